package engine

import "context"

type fence struct{}

// Fenced is a context under which a writing transaction begins with a check, and
// is given up where that fails: that who writes still has the right to. What the
// check locks stays locked until the transaction ends.
func Fenced(ctx context.Context, check func(*Tx) error) context.Context {
	return context.WithValue(ctx, fence{}, check)
}

// Unfenced is a context without a check: for what is true whoever says it.
func Unfenced(ctx context.Context) context.Context {
	return context.WithValue(ctx, fence{}, free)
}

func free(*Tx) error { return nil }

func fenceOf(ctx context.Context) func(*Tx) error {
	if check, ok := ctx.Value(fence{}).(func(*Tx) error); ok {
		return check
	}
	return free
}

// Checked runs the check of a context by itself: for what is done outside the
// database, on a mail server. Without a check it costs nothing.
func (db *DB) Checked(ctx context.Context) error {
	return db.Rightfully(ctx, "checking the lease", func() error { return nil })
}

// Rightfully is Checked for what is done at once and outside the database, such
// as putting a file into its place: nobody else gets the right before f returns,
// or the server has lost patience with it.
func (db *DB) Rightfully(ctx context.Context, doing string, f func() error) error {
	if ctx.Value(fence{}) == nil {
		return f()
	}
	return db.Beside(ctx, doing, func(*Tx) error { return f() })
}
