package main

import (
	"context"
	"iter"
	"runtime"
)

// ordered runs work over everything that in yields, on all cores, and hands
// the outcomes to emit in the order of the input. At most a few items per core
// are in memory. It ends early when emit fails or ctx ends.
func ordered[In, Out any](ctx context.Context, in iter.Seq[In], work func(In) Out, emit func(Out) error) error {
	type task struct {
		in  In
		out chan Out
	}
	workers := runtime.GOMAXPROCS(0)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	todo, queue := make(chan task), make(chan chan Out, 4*workers)
	for range workers {
		go func() {
			for t := range todo {
				t.out <- work(t.in)
			}
		}()
	}
	go func() {
		defer close(queue)
		defer close(todo)
		for v := range in {
			t := task{v, make(chan Out, 1)}
			select {
			case queue <- t.out:
				todo <- t
			case <-ctx.Done():
				return
			}
		}
	}()
	var err error
	for out := range queue { // to the end, so that no goroutine outlives us
		v := <-out
		if err == nil {
			if err = emit(v); err != nil {
				cancel()
			}
		}
	}
	if err == nil {
		err = context.Cause(ctx)
	}
	return err
}
