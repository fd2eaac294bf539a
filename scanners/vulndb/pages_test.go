package vulndb

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"
)

// boltFile writes a bbolt file with small buckets, large ones, and values larger than a page.
func boltFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "trivy.db")
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for i := range 3 {
			root, err := tx.CreateBucket(fmt.Appendf(nil, "bucket %d", i))
			if err != nil {
				return err
			}
			for j := range 60 {
				pkg, err := root.CreateBucket(fmt.Appendf(nil, "package %d", j))
				if err != nil {
					return err
				}
				for k := range 1 + j%7*i*6 {
					if err := pkg.Put(fmt.Appendf(nil, "CVE-%d", k), bytes.Repeat([]byte{byte(k)}, k*j%500+k*j%7/6*9000)); err != nil {
						return err
					}
				}
			}
		}
		_, err := tx.CreateBucket([]byte("empty"))
		return err
	})
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPagesLikeLibrary reads a file with bbolt and by pages and compares every key and value.
func TestPagesLikeLibrary(t *testing.T) {
	path := boltFile(t)
	p, err := openPages(path)
	if err != nil {
		t.Fatal(err)
	}
	defer p.file.Close()
	db, err := bbolt.Open(path, 0, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	values := 0
	err = db.View(func(tx *bbolt.Tx) error {
		return compareBuckets(t, p, tx.Cursor().Bucket(), p.top(), &values)
	})
	if err != nil || values < 1000 {
		t.Errorf("compared %d values, %v", values, err)
	}
}

func compareBuckets(t *testing.T, p *pageFile, theirs *bbolt.Bucket, ours bucket, values *int) error {
	t.Helper()
	var keys [][]byte
	if err := p.each(ours, func(e element) error {
		keys = append(keys, bytes.Clone(e.key))
		return nil
	}); err != nil {
		return err
	}
	err := theirs.ForEach(func(key, value []byte) error {
		if len(keys) == 0 || !bytes.Equal(keys[0], key) {
			return fmt.Errorf("key %q is not where it belongs", key)
		}
		keys = keys[1:]
		if value == nil {
			inner, ok, err := p.bucket(ours, string(key))
			if err != nil || !ok {
				return fmt.Errorf("bucket %q: %v, %w", key, ok, err)
			}
			return compareBuckets(t, p, theirs.Bucket(key), inner, values)
		}
		*values++
		got, err := p.value(ours, string(key))
		if err != nil || !bytes.Equal(got, value) {
			return fmt.Errorf("value of %q: %d bytes instead of %d, %w", key, len(got), len(value), err)
		}
		missing, err := p.value(ours, string(key)+"\x00")
		if err != nil || missing != nil {
			return fmt.Errorf("there is a value behind %q: %w", key, err)
		}
		return nil
	})
	if err == nil && len(keys) > 0 {
		err = fmt.Errorf("%d keys too many", len(keys))
	}
	return err
}

// TestPagesCircle lets every branch lead to itself: reading must end.
func TestPagesCircle(t *testing.T) {
	path := boltFile(t)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	size := os.Getpagesize()
	branches := 0
	for at := 2 * size; at+size <= len(data); at += size {
		n := node(data[at : at+size])
		if id := binary.LittleEndian.Uint64(n); id != uint64(at/size) || n.flags() != flagBranch {
			continue
		}
		branches++
		for i := range n.count() {
			binary.LittleEndian.PutUint64(n[pageHeader+i*elementSize+8:], uint64(at/size))
		}
	}
	if branches == 0 {
		t.Fatal("the file has no branches")
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	failed := readEverything(t, path)
	if failed == nil {
		t.Error("the file was read")
	}
}

// readEverything walks through all buckets of a file and looks each of them up.
func readEverything(t *testing.T, path string) error {
	t.Helper()
	p, err := openPages(path)
	if err != nil {
		return err
	}
	defer p.file.Close()
	left := 2000 // buckets: a torn file can have one in another for ever
	return readBucket(p, p.top(), &left)
}

func readBucket(p *pageFile, b bucket, left *int) error {
	return p.each(b, func(e element) error {
		if *left--; *left < 0 {
			return errDamaged
		}
		if !e.isBucket {
			_, err := p.value(b, string(e.key))
			return err
		}
		inner, _, err := p.bucket(b, string(e.key))
		if err != nil {
			return err
		}
		return readBucket(p, inner, left)
	})
}

func FuzzPages(f *testing.F) {
	data, err := os.ReadFile(boltFile(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint32(3*4096+10), []byte{0xff, 0xff}, uint32(2*4096), []byte{1, 0, 0, 0})
	f.Add(uint32(20), []byte{0}, uint32(4096+40), []byte{9})
	f.Fuzz(func(t *testing.T, at uint32, patch []byte, at2 uint32, patch2 []byte) {
		torn := bytes.Clone(data)
		copy(torn[int(at)%len(torn):], patch)
		copy(torn[int(at2)%len(torn):], patch2)
		path := filepath.Join(t.TempDir(), "trivy.db")
		if err := os.WriteFile(path, torn, 0o600); err != nil {
			t.Fatal(err)
		}
		_ = readEverything(t, path)
	})
}
