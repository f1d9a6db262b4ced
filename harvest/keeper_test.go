package harvest

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

// What a Keeper reads itself is what it would have been given.
func TestKeeperReadsAsItIsWritten(t *testing.T) {
	message := bytes.Repeat([]byte("Received: from mx.example.org\r\n"), 3000)
	for _, limit := range []int64{0, 1, firstRead - 1, firstRead, firstRead + 1, 50_000, int64(len(message)), 1 << 20} {
		for name, reader := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r }, "bytes": iotest.OneByteReader, "halves": iotest.HalfReader, "end with data": iotest.DataErrReader,
		} {
			for _, size := range []int{0, 1, firstRead, len(message)} {
				written, read := NewKeeper(limit), NewKeeper(limit)
				written.Add(message[:size])
				n, err := io.Copy(read, reader(bytes.NewReader(message[:size])))
				if err != nil || n != int64(size) {
					t.Fatalf("%s, limit %d: %d of %d bytes, %v", name, limit, n, size, err)
				}
				var want, got Message
				written.Fill(&want)
				read.Fill(&got)
				if !bytes.Equal(got.Raw, want.Raw) || got.Hash != want.Hash || got.Size != want.Size || got.Truncated != want.Truncated {
					t.Errorf("%s, limit %d, %d bytes: another message: %d kept of %d, want %d of %d", name, limit, size, len(got.Raw), got.Size, len(want.Raw), want.Size)
				}
			}
		}
	}
}

func TestKeeperTellsWhatFailed(t *testing.T) {
	bad := errors.New("a bad block")
	n, err := io.Copy(NewKeeper(100), io.MultiReader(bytes.NewReader(make([]byte, 300)), iotest.ErrReader(bad)))
	if n != 300 || !errors.Is(err, bad) {
		t.Errorf("%d bytes, %v", n, err)
	}
}
