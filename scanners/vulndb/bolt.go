package vulndb

import (
	"errors"
	"fmt"
	"os"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// Buckets of trivy-db that are not about one distribution or ecosystem.
const (
	originBucket = "data-source"
	detailBucket = "vulnerability"
)

// lockPatience is how long another program may keep the file locked.
const lockPatience = 2 * time.Second

// Bounds of what one entry may be, in bytes. A torn page states any length.
const (
	longestID    = 256
	longestValue = 1 << 20
)

// mostRecords bounds the records of one package; the kernel has about ten thousand.
const mostRecords = 200_000

// mostBuckets bounds the root buckets of a file; the public database has about 200.
const mostBuckets = 10_000

// boltFacts reads a trivy-db file: bucket → package → advisory id → record, all keys and values in a memory-mapped
// bbolt tree.
type boltFacts struct{ db *bbolt.DB }

// openBolt opens the file read-only and checks that it is whole as far as its own header can tell.
func openBolt(path string) (*boltFacts, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("open vulnerability database: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("open vulnerability database: %q is not a file", path)
	}
	if info.Size() == 0 {
		return nil, fmt.Errorf("open %q: %w (it is empty)", path, errDamaged) // bbolt would write to it
	}
	var f *boltFacts
	err = guard(func() error {
		db, err := bbolt.Open(path, 0, &bbolt.Options{ReadOnly: true, Timeout: lockPatience})
		if errors.Is(err, bolterrors.ErrTimeout) {
			return errors.New("another program is writing to it: wait for it to end")
		}
		if err != nil {
			return fmt.Errorf("%w (%w)", errDamaged, err)
		}
		f = &boltFacts{db}
		return f.checkSize(info.Size())
	})
	if err != nil {
		if f != nil {
			err = errors.Join(err, f.close())
		}
		return nil, fmt.Errorf("open %q: %w", path, err)
	}
	return f, nil
}

// checkSize compares the file's size with the number of pages that its header promises.
func (f *boltFacts) checkSize(size int64) error {
	return f.db.View(func(tx *bbolt.Tx) error {
		if tx.Size() > size {
			return fmt.Errorf("%w (it is cut short: %d of %d bytes)", errDamaged, size, tx.Size())
		}
		return nil
	})
}

func (f *boltFacts) buckets() (names []string, err error) {
	err = f.view(func(tx *bbolt.Tx) error {
		if tx.Bucket([]byte(detailBucket)) == nil {
			return errors.New("this is not a vulnerability database: it lacks the bucket " + detailBucket)
		}
		return tx.ForEach(func(name []byte, _ *bbolt.Bucket) error {
			if len(names) == mostBuckets || len(name) > longestID {
				return errDamaged
			}
			names = append(names, string(name))
			return nil
		})
	})
	return names, err
}

func (f *boltFacts) origin(bucket string) (o origin, err error) {
	err = f.view(func(tx *bbolt.Tx) error {
		sources := tx.Bucket([]byte(originBucket))
		if sources == nil {
			return nil
		}
		data := sources.Get([]byte(bucket))
		if len(data) > longestValue {
			return errDamaged
		}
		if data == nil {
			return nil
		}
		o, err = decodeOrigin(data)
		return err
	})
	return o, err
}

func (f *boltFacts) records(bucket, name string, visit func(id string, data []byte)) error {
	return f.view(func(tx *bbolt.Tx) error {
		root := tx.Bucket([]byte(bucket))
		if root == nil || name == "" {
			return nil
		}
		pkg := root.Bucket([]byte(name))
		if pkg == nil {
			return nil
		}
		count := 0
		return pkg.ForEach(func(id, data []byte) error {
			if count++; count > mostRecords || len(id) > longestID || len(data) > longestValue {
				return errDamaged
			}
			visit(string(id), data)
			return nil
		})
	})
}

func (f *boltFacts) detail(id string, read func(data []byte)) error {
	return f.view(func(tx *bbolt.Tx) error {
		details := tx.Bucket([]byte(detailBucket))
		if details == nil {
			return nil
		}
		data := details.Get([]byte(id))
		if len(data) > longestValue {
			return errDamaged
		}
		if data != nil {
			read(data)
		}
		return nil
	})
}

func (f *boltFacts) view(read func(tx *bbolt.Tx) error) error {
	return guard(func() error { return f.db.View(read) })
}

func (f *boltFacts) close() error { return f.db.Close() }
