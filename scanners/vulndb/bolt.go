package vulndb

import (
	"errors"
	"fmt"
	"os"
)

// Buckets of trivy-db that are not about one distribution or ecosystem.
const (
	originBucket = "data-source"
	detailBucket = "vulnerability"
)

// Bounds of what one entry may be, in bytes.
const (
	longestID    = 256
	longestValue = 1 << 20
)

// mostRecords bounds the records of one package; the kernel has about ten thousand.
const mostRecords = 200_000

// mostBuckets bounds the root buckets of a file; the public database has about 200.
const mostBuckets = 10_000

// boltFacts reads a trivy-db file: bucket → package → advisory id → record.
type boltFacts struct{ file *pageFile }

// openBolt opens the file and checks that it is whole as far as its header can tell.
func openBolt(path string) (*boltFacts, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("open vulnerability database: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("open vulnerability database: %q is not a file", path)
	}
	file, err := openPages(path)
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", path, err)
	}
	return &boltFacts{file}, nil
}

func (f *boltFacts) buckets() (names []string, err error) {
	isDatabase := false
	err = f.file.each(f.file.top(), func(e element) error {
		if len(names) == mostBuckets || len(e.key) > longestID {
			return errDamaged
		}
		if e.isBucket {
			names = append(names, string(e.key))
			isDatabase = isDatabase || string(e.key) == detailBucket
		}
		return nil
	})
	if err == nil && !isDatabase {
		err = errors.New("this is not a vulnerability database: it lacks the bucket " + detailBucket + "; fetch one with `plimsoll vulndb update`")
	}
	return names, err
}

func (f *boltFacts) origin(bucket string) (o origin, err error) {
	data, err := f.stored(originBucket, bucket)
	if err != nil || data == nil {
		return origin{}, err
	}
	return decodeOrigin(data)
}

func (f *boltFacts) records(bucket, name string, visit func(id string, data []byte)) error {
	root, ok, err := f.file.bucket(f.file.top(), bucket)
	if err != nil || !ok {
		return err
	}
	pkg, ok, err := f.file.bucket(root, name)
	if err != nil || !ok {
		return err
	}
	count := 0
	return f.file.each(pkg, func(e element) error {
		if count++; count > mostRecords || len(e.key) > longestID || len(e.value) > longestValue {
			return errDamaged
		}
		visit(string(e.key), e.value)
		return nil
	})
}

func (f *boltFacts) detail(id string, read func(data []byte)) error {
	data, err := f.stored(detailBucket, id)
	if err == nil && data != nil {
		read(data)
	}
	return err
}

// stored is a value of a root bucket; nil when there is none.
func (f *boltFacts) stored(bucket, key string) ([]byte, error) {
	root, ok, err := f.file.bucket(f.file.top(), bucket)
	if err != nil || !ok {
		return nil, err
	}
	data, err := f.file.value(root, key)
	if len(data) > longestValue {
		return nil, errDamaged
	}
	return data, err
}

func (f *boltFacts) close() error { return f.file.file.Close() }
