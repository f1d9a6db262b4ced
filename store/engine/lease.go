package engine

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// lease is the right of one daemon to harvest into a database. It is a lock on
// a file beside it, which the kernel drops with the process, however it ends.
type lease struct{ file *os.File }

// errLocked says that another process holds the lock.
var errLocked = errors.New("locked")

func takeLease(path, owner string) (*lease, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		if errors.Is(err, os.ErrPermission) {
			return nil, fmt.Errorf("%w (%w)", ErrReadOnly, err)
		}
		return nil, err
	}
	if err := lock(f); err != nil {
		defer f.Close()
		if errors.Is(err, errLocked) {
			who, _ := io.ReadAll(io.LimitReader(f, 256))
			return nil, fmt.Errorf("%w: %s", ErrInUse, strings.TrimSpace(string(who)))
		}
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	if err := LikeFolder(f); err != nil {
		return nil, errors.Join(fmt.Errorf("giving %s to the owner of its folder: %w", path, err), f.Close())
	}
	// Only for the eye of who is refused; the lock itself is what counts.
	line := fmt.Sprintf("%s (process %d)\n", owner, os.Getpid())
	if err := f.Truncate(0); err == nil {
		_, err = f.WriteAt([]byte(line), 0)
		if err != nil {
			_ = f.Close() // the first error counts
			return nil, fmt.Errorf("writing %s: %w", path, err)
		}
	}
	return &lease{f}, nil
}

// release gives the lease back. The file stays: removing it would let two
// processes lock two files of one name.
func (l *lease) release() error {
	if l == nil {
		return nil
	}
	return l.file.Close()
}
