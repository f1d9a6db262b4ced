package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Restored says what a restore did.
type Restored struct {
	Backup Backup `json:"backup"`
	Aside  string `json:"aside"` // where the database that was there is now; "" when none was
}

// Restore puts a backup in the place of the database at path. The backup is
// verified first and stays; what was there is put aside, not deleted. It fails
// with ErrInUse while a daemon works on the database.
func Restore(ctx context.Context, from, path string, now time.Time) (r Restored, err error) {
	if path, err = filepath.Abs(path); err == nil {
		r, err = restore(ctx, from, path, now)
	}
	if err != nil {
		return r, fmt.Errorf("restoring %s: %w", path, err)
	}
	return r, nil
}

func restore(ctx context.Context, from, path string, now time.Time) (r Restored, err error) {
	l, err := takeLease(path+".lock", "harvester restore")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, l.release()) }()
	if r.Backup, err = Verify(ctx, from); err != nil {
		return r, err
	}
	if err := sweep(path); err != nil { // restores to one path take turns by the lease
		return r, err
	}
	part := fmt.Sprintf("%s.part-%d", path, os.Getpid())
	defer os.Remove(part) // after the rename there is none
	f, err := copyFile(from, part)
	if err != nil {
		return r, err
	}
	defer f.Close()
	if _, err := Verify(ctx, part); err != nil {
		return r, err
	}
	if r.Aside, err = putAside(path, now); err != nil {
		return r, err
	}
	return r, publishFile(f, part, path)
}

func copyFile(from, to string) (*os.File, error) {
	in, err := os.Open(from)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(out, in); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	return out, LikeFolder(out)
}

// putAside renames a database with the files that SQLite keeps beside it: they
// are one, also when it is damaged.
func putAside(path string, now time.Time) (string, error) {
	aside := fmt.Sprintf("%s.replaced-%s", path, now.UTC().Format("20060102T150405Z"))
	for _, suffix := range []string{"-wal", "-shm", ""} {
		err := os.Rename(path+suffix, aside+suffix)
		if errors.Is(err, os.ErrNotExist) {
			if suffix == "" {
				return "", nil
			}
			continue
		}
		if err != nil {
			return "", fmt.Errorf("putting the old database aside: %w", err)
		}
	}
	return aside, nil
}
