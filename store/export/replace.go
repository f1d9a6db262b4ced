package export

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"harvester/store/engine"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// staleAfter is the age at which a temporary file can't belong to a running
// write any more. Only a killed process leaves one behind.
const staleAfter = time.Hour

// Replace writes the file at path whole: what write produces goes to a
// temporary file in the same directory, is synced, and takes the place of the
// file by a rename. When the content is what stands there already, the file
// keeps its inode and modification time and changed is false. On any error
// the previous file stays as it was and nothing is left behind.
//
// A new file gets mode 0640, an existing one keeps its mode. A target that is
// a symbolic link or no regular file is refused: a rename would silently take
// the link away from whoever laid it.
func Replace(path string, write func(io.Writer) error) (changed bool, err error) {
	s, err := stage(path)
	if err != nil {
		return false, err
	}
	defer s.discard()
	if err := write(s); err != nil {
		return false, s.explain(err)
	}
	if err := s.seal(); err != nil {
		return false, err
	}
	return s.publish()
}

// staged is a file on its way: written beside its target, not yet in its place.
type staged struct {
	path  string // of the target, its directory resolved
	f     *os.File
	buf   *bufio.Writer
	sum   hash.Hash
	bytes int64
	gone  bool // the temporary file was renamed or removed
}

func stage(path string) (*staged, error) {
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return nil, explain(path, err)
	}
	path = filepath.Join(dir, filepath.Base(path))
	mode := fs.FileMode(0o640)
	switch st, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, explain(path, err)
	case st.Mode()&fs.ModeSymlink != 0:
		return nil, fmt.Errorf("writing %s: it is a symbolic link; name the file that it points to instead", path)
	case !st.Mode().IsRegular():
		return nil, fmt.Errorf("writing %s: something that is no regular file stands there; move it away or name another path", path)
	default:
		mode = st.Mode().Perm()
	}
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return nil, explain(path, err)
	}
	s := &staged{path: path, f: f, sum: sha256.New()}
	s.buf = bufio.NewWriterSize(f, 64<<10)
	if err := errors.Join(f.Chmod(mode), engine.LikeFolder(f)); err != nil {
		s.discard()
		return nil, explain(path, err)
	}
	return s, nil
}

// Write appends to the temporary file.
func (s *staged) Write(p []byte) (int, error) {
	n, err := s.buf.Write(p)
	s.sum.Write(p[:n])
	s.bytes += int64(n)
	return n, err
}

// patch writes over the first bytes of the temporary file.
func (s *staged) patch(head []byte) error {
	err := s.buf.Flush()
	if err == nil {
		_, err = s.f.WriteAt(head, 0)
	}
	if err == nil {
		_, err = s.f.Seek(0, io.SeekStart)
	}
	if err == nil {
		s.sum.Reset()
		_, err = io.Copy(s.sum, s.f) // and stands at the end again
	}
	return s.explain(err)
}

// seal brings everything written to the disk.
func (s *staged) seal() error {
	err := s.buf.Flush()
	if err == nil {
		err = s.f.Sync()
	}
	if cerr := s.f.Close(); err == nil {
		err = cerr
	}
	return s.explain(err)
}

// publish puts a sealed file into its place, unless the same bytes stand there.
func (s *staged) publish() (changed bool, err error) {
	if same, err := s.same(); err != nil || same {
		return false, s.explain(err)
	}
	if err := os.Rename(s.f.Name(), s.path); err != nil {
		return false, s.explain(err)
	}
	s.gone = true
	return true, s.explain(syncDir(filepath.Dir(s.path)))
}

func (s *staged) same() (bool, error) {
	st, err := os.Stat(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil || st.Size() != s.bytes {
		return false, err
	}
	old, err := fileSum(s.path)
	return bytes.Equal(old, s.sum.Sum(nil)), err
}

// discard removes the temporary file, if it is still one, and those that a
// killed process left for the same target.
func (s *staged) discard() {
	if !s.gone {
		_ = s.f.Close() // closed already when sealed
		_ = os.Remove(s.f.Name())
		s.gone = true
	}
	left, _ := filepath.Glob(filepath.Join(escapeGlob(filepath.Dir(s.path)), "."+escapeGlob(filepath.Base(s.path))+".*.tmp"))
	for _, name := range left {
		if st, err := os.Lstat(name); err == nil && st.Mode().IsRegular() && time.Since(st.ModTime()) > staleAfter {
			_ = os.Remove(name)
		}
	}
}

func (s *staged) explain(err error) error { return explain(s.path, err) }

// explain names the target and says what to do where that is known.
func explain(path string, err error) error {
	hint := ""
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		hint = " (free some space; the previous file stays)"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		hint = fmt.Sprintf(" (the directory %s must be writable by this user; under systemd see ReadWritePaths=)", filepath.Dir(path))
	case errors.Is(err, fs.ErrNotExist):
		hint = fmt.Sprintf(" (create the directory %s first)", filepath.Dir(path))
	}
	return fmt.Errorf("writing %s: %w%s", path, err, hint)
}

// fileSum is the SHA-256 of a file's content.
func fileSum(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return h.Sum(nil), err
}

// syncDir makes a rename in dir survive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	// QUIRK: some network and FUSE file systems refuse fsync on a directory.
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return err
	}
	return nil
}

// escapeGlob makes a path match only itself in filepath.Glob.
func escapeGlob(path string) string {
	out := make([]byte, 0, len(path))
	for i := range len(path) {
		switch path[i] {
		case '*', '?', '[', '\\':
			out = append(out, '\\')
		}
		out = append(out, path[i])
	}
	return string(out)
}
