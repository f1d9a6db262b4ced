package file

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"harvester/harvest"
	"harvester/harvest/names"
)

// layout is what differs between a Maildir and a plain directory.
type layout interface {
	// list gives the messages of a folder: paths by the names that identify
	// them as long as they exist.
	list(folder string) (map[string]string, error)
	// settle carries out one disposition of the message at path.
	settle(path string, t harvest.Settlement) error
	// changed are the directories that settling in a folder changes.
	changed(folder string) []string
}

// directory is a session on a mailbox with one file for each message.
type directory struct {
	*source
	harvest.Share
	layout layout
	pass   *pass // the one in hand
}

// pass is one listing of a folder, read batch by batch: a folder of a million
// messages isn't listed and sorted anew for each few hundred of them.
type pass struct {
	folder string
	paths  map[string]string
	order  []string   // by name, what is still to be looked at
	seen   *names.Set // accounted for
	state  string     // that the last batch ended with
}

func (d *directory) Folders() []string { return d.folders() }

func (d *directory) Close(context.Context) error { return nil }

// Probe lists the folder. Unless the mailbox is only read, it fails for a
// folder that nothing may be changed in.
func (d *directory) Probe(_ context.Context, folder string) (int, error) {
	paths, err := d.layout.list(folder)
	if err != nil {
		return 0, d.fault("opening folder "+folder, err)
	}
	for _, dir := range d.layout.changed(folder) {
		if err := syscall.Access(dir, mayWrite|mayEnter); err != nil && !d.ReadOnly {
			return 0, d.fault("changing folder "+folder, &os.PathError{Op: "writing to", Path: dir, Err: err})
		}
	}
	return len(paths), nil
}

// The rights of access(2).
const (
	mayEnter = 1
	mayWrite = 2
)

// Next reads the next messages, by name, that the cursor's State doesn't hold.
// What came in since the folder was listed is found when the listing is read to
// its end.
func (d *directory) Next(ctx context.Context, cur harvest.Cursor) (harvest.Batch, error) {
	p := d.pass
	if p == nil || p.folder != cur.Folder || p.state != cur.State || len(p.order) == 0 {
		paths, err := d.layout.list(cur.Folder)
		if err != nil {
			return harvest.Batch{}, d.fault("opening folder "+cur.Folder, err)
		}
		p = &pass{folder: cur.Folder, paths: paths, order: sortedNames(paths), seen: names.Parse(cur.State)}
		p.seen.Only(p.order)
	}
	d.pass = nil // until the batch is whole
	var batch harvest.Batch
	var bytes int64
	messages, most := d.Within(d.BatchMessages, d.BatchBytes)
	for ; len(p.order) > 0 && len(batch.Messages) < messages && bytes < most; p.order = p.order[1:] {
		name := p.order[0]
		if p.seen.Has(name) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return harvest.Batch{}, d.fault("reading folder "+cur.Folder, err)
		}
		m, err := d.read(cur.Folder, name, p.paths[name])
		if err != nil {
			return harvest.Batch{}, d.fault("reading folder "+cur.Folder, err)
		}
		bytes += int64(len(m.Raw))
		p.seen.Add(name)
		batch.Messages = append(batch.Messages, m)
	}
	p.state = p.seen.String()
	d.pass = p
	cur.Mailbox, cur.State = d.Name, p.state
	batch.Cursor = cur
	return batch, nil
}

// standing finds where messages of a folder lie now: where they were listed, or
// by another listing, since other programs rename them.
func (d *directory) standing(folder string) func(name string) (string, error) {
	listed := map[string]string{}
	if d.pass != nil && d.pass.folder == folder {
		listed = d.pass.paths
	}
	anew := false
	return func(name string) (string, error) {
		path := listed[name]
		if path != "" {
			if _, err := os.Lstat(path); err == nil {
				return path, nil
			}
		}
		if !anew {
			paths, err := d.layout.list(folder)
			if err != nil {
				return "", err
			}
			listed, anew = paths, true
		}
		return listed[name], nil
	}
}

func sortedNames(paths map[string]string) []string {
	order := make([]string, 0, len(paths))
	for name := range paths {
		order = append(order, name)
	}
	slices.Sort(order)
	return order
}

// read reads one file. Another program may have renamed it since it was
// listed, as Maildirs do with flags.
func (d *directory) read(folder, name, path string) (harvest.Message, error) {
	m := harvest.Message{Locator: harvest.Locator{Mailbox: d.Name, Folder: folder, Name: name}}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		var paths map[string]string
		if paths, err = d.layout.list(folder); err != nil {
			return m, err
		}
		if paths[name] == "" {
			m.Gone = true
			return m, nil
		}
		path = paths[name]
		f, err = os.Open(path)
	}
	if err != nil {
		return m, err
	}
	defer f.Close()
	k := harvest.NewKeeper(d.MaxMessage)
	if _, err := io.Copy(k, f); err != nil {
		m.Poison = err // a bad block, most likely; the others can be read
		return m, nil
	}
	k.Fill(&m)
	if m.Received.IsZero() {
		m.Received = maildirTime(path)
	}
	return m, nil
}

// Settle changes what stands on disk. A message that is no longer there is
// done.
func (d *directory) Settle(ctx context.Context, folder string, todo []harvest.Settlement) (done []harvest.Settlement, err error) {
	standing := d.standing(folder)
	for _, t := range todo {
		if err := ctx.Err(); err != nil {
			return done, d.fault("settling in folder "+folder, err)
		}
		if t.Disposition == harvest.Keep {
			done = append(done, t)
			continue
		}
		path, err := standing(t.Name)
		if err != nil {
			return done, d.fault("opening folder "+folder, err)
		}
		if path != "" {
			err := d.layout.settle(path, t)
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				return done, d.fault("settling in folder "+folder, err)
			}
		}
		done = append(done, t)
	}
	return done, nil
}

// files lists the regular files of a directory that aren't hidden.
func files(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, entry := range entries {
		if entry.Type().IsRegular() && !strings.HasPrefix(entry.Name(), ".") {
			found = append(found, entry.Name())
		}
	}
	return found, nil
}

// syncDir makes a rename or removal last through a power failure.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// maildir is the layout of a Maildir with the folders of Maildir++
// (https://www.courier-mta.org/imap/README.maildirquota.html).
type maildir struct{ root string }

func (l maildir) dir(folder string) string {
	if folder == Inbox {
		return l.root
	}
	return filepath.Join(l.root, "."+strings.ReplaceAll(folder, "/", "."))
}

// list identifies messages by the name without flags, which stays when a
// message moves from new to cur.
func (l maildir) list(folder string) (map[string]string, error) {
	paths := map[string]string{}
	for _, sub := range []string{"new", "cur"} {
		dir := filepath.Join(l.dir(folder), sub)
		found, err := files(dir)
		if err != nil {
			return nil, err
		}
		for _, name := range found {
			unique, _, _ := strings.Cut(name, ":")
			paths[unique] = filepath.Join(dir, name)
		}
	}
	return paths, nil
}

func (l maildir) changed(folder string) []string {
	return []string{filepath.Join(l.dir(folder), "new"), filepath.Join(l.dir(folder), "cur")}
}

func (l maildir) settle(path string, t harvest.Settlement) error {
	unique, info, _ := strings.Cut(filepath.Base(path), ":")
	flags := strings.TrimPrefix(info, "2,")
	folder := filepath.Dir(filepath.Dir(path))
	switch t.Disposition {
	case harvest.Keep:
		return nil
	case harvest.Delete:
		if err := os.Remove(path); err != nil {
			return err
		}
		return syncDir(filepath.Dir(path))
	case harvest.Seen:
		if !strings.Contains(flags, "S") {
			letters := strings.Split(flags+"S", "")
			slices.Sort(letters)
			flags = strings.Join(letters, "")
		}
	case harvest.Move:
		folder = l.dir(t.Target)
		for _, sub := range []string{"tmp", "new", "cur"} {
			if err := os.MkdirAll(filepath.Join(folder, sub), 0o700); err != nil {
				return err
			}
		}
	}
	target := filepath.Join(folder, "cur", unique+":2,"+flags)
	if target == path {
		return nil
	}
	if err := os.Rename(path, target); err != nil {
		return err
	}
	return syncDir(filepath.Dir(target))
}

// spool is a directory into which something drops one file for each message,
// under a hidden name until it is whole.
type spool struct{ root string }

var errOnlyInbox = errors.New("a directory has only " + Inbox)

func (l spool) list(folder string) (map[string]string, error) {
	if folder != Inbox {
		return nil, errOnlyInbox
	}
	found, err := files(l.root)
	if err != nil {
		return nil, err
	}
	paths := map[string]string{}
	for _, name := range found {
		paths[name] = filepath.Join(l.root, name)
	}
	return paths, nil
}

var errNoFlags = errors.New(`a directory has no flags: done = "keep", "delete" or "move:DIRECTORY"`)

func (l spool) changed(string) []string { return []string{l.root} }

func (l spool) settle(path string, t harvest.Settlement) error {
	switch t.Disposition {
	case harvest.Delete:
		if err := os.Remove(path); err != nil {
			return err
		}
		return syncDir(l.root)
	case harvest.Move:
		dir := t.Target
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(l.root, dir)
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		if err := link(path, dir); err != nil {
			return err
		}
		return errors.Join(syncDir(dir), os.Remove(path), syncDir(l.root))
	default:
		return errNoFlags
	}
}

// link puts the file at path into dir, too. Unlike a rename it never replaces
// another file of that name; it takes the next free number then.
func link(path, dir string) error {
	target := filepath.Join(dir, filepath.Base(path))
	for n := 1; ; n++ {
		err := os.Link(path, target)
		if !errors.Is(err, os.ErrExist) || sameFile(path, target) {
			if errors.Is(err, os.ErrExist) {
				return nil // a crash came between link and removal
			}
			return err
		}
		target = filepath.Join(dir, filepath.Base(path)+"."+strconv.Itoa(n))
	}
}

func sameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}
