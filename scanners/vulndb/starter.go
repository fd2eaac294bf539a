package vulndb

import (
	"bufio"
	"cmp"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aquasecurity/trivy-db/pkg/types"

	"plimsoll/scanners"
)

// The starter advisories: one table of advisories, one of the packages that they are about. Lines beginning with "#"
// are comments, the first other line names the columns, "-" stands for nothing.
var (
	//go:embed starter/advisories.tsv
	starterAdvisories string
	//go:embed starter/affected.tsv
	starterAffected string
)

var (
	advisoryColumns = []string{"id", "severity", "cvss", "published", "title", "reference"}
	affectedColumns = []string{"id", "bucket", "package", "vulnerable", "fixed"}
)

// starterSource names the compiled-in table where a database names its sources.
const starterSource = "Plimsoll starter advisories"

// Starter is the database of well-known advisories that is compiled into the program. It knows a few hundred
// advisories: that it finds nothing says little. It needs no Close. A table that cannot be read (a test reads all of
// it) gives a database without advisories.
func Starter() *Database {
	table, err := readStarter(starterAdvisories, starterAffected)
	if err != nil {
		table = &starterFacts{}
	}
	info := scanners.DatabaseInfo{Kind: scanners.DatabaseStarter, Advisories: len(table.details)}
	db, err := newDatabase(info, table)
	if err != nil {
		return &Database{info: info, facts: table, rules: newCache[ruleKey, *ruleSet](0), details: newCache[string, *detail](0)}
	}
	return db
}

// starterFacts holds the tables in the shape of a trivy-db: records as JSON.
type starterFacts struct {
	names   []string                    // of buckets, ascending
	known   map[ruleKey][]starterRecord //
	details map[string][]byte           // by advisory
}

type starterRecord struct {
	id   string
	data []byte
}

// readStarter reads both tables. Its errors name the table and the line.
func readStarter(advisories, affected string) (*starterFacts, error) {
	s := &starterFacts{known: map[ruleKey][]starterRecord{}, details: map[string][]byte{}}
	if err := readTable(advisories, advisoryColumns, s.addAdvisory); err != nil {
		return nil, fmt.Errorf("read the starter advisories: %w", err)
	}
	if err := readTable(affected, affectedColumns, s.addAffected); err != nil {
		return nil, fmt.Errorf("read the packages of the starter advisories: %w", err)
	}
	for key := range s.known {
		s.names = append(s.names, key.bucket)
	}
	slices.Sort(s.names)
	s.names = slices.Compact(s.names)
	return s, nil
}

// readTable calls add for every row, with the cells in the columns' order and "-" turned into "".
func readTable(text string, columns []string, add func(cells []string) error) error {
	lines := bufio.NewScanner(strings.NewReader(text))
	headed := false
	for number := 1; lines.Scan(); number++ {
		line := lines.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		cells := strings.Split(line, "\t")
		if len(cells) != len(columns) {
			return fmt.Errorf("line %d has %d cells instead of %d", number, len(cells), len(columns))
		}
		if !headed {
			if !slices.Equal(cells, columns) {
				return fmt.Errorf("line %d should name the columns %s", number, strings.Join(columns, ", "))
			}
			headed = true
			continue
		}
		for i, c := range cells {
			cells[i] = strings.TrimSpace(c)
			if cells[i] == "-" {
				cells[i] = ""
			}
		}
		if err := add(cells); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
	}
	return lines.Err()
}

func (s *starterFacts) addAdvisory(cells []string) error {
	id, rating, vector, published, title, reference := cells[0], cells[1], cells[2], cells[3], cells[4], cells[5]
	severity, err := scanners.ParseSeverity(rating)
	if err != nil {
		return err
	}
	if id == "" || s.details[id] != nil {
		return fmt.Errorf("advisory %q is empty or there twice", id)
	}
	v := vulnerability{
		Title:          title,
		VendorSeverity: map[string]int{scanners.DatabaseStarter: int(severity)},
		References:     []string{reference},
		PublishedDate:  published,
	}
	if vector != "" {
		v.CVSS = map[string]types.CVSS{scanners.DatabaseStarter: vectorOf(vector)}
	}
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write advisory %q: %w", id, err)
	}
	s.details[id] = data
	return nil
}

func vectorOf(vector string) types.CVSS {
	switch {
	case strings.HasPrefix(vector, "CVSS:4"):
		return types.CVSS{V40Vector: vector}
	case strings.HasPrefix(vector, "CVSS:3"):
		return types.CVSS{V3Vector: vector}
	default:
		return types.CVSS{V2Vector: vector}
	}
}

func (s *starterFacts) addAffected(cells []string) error {
	id, bucket, name, vulnerable, fixed := cells[0], cells[1], cells[2], cells[3], cells[4]
	if s.details[id] == nil {
		return fmt.Errorf("advisory %q is not in the other table", id)
	}
	if bucket == "" || name == "" {
		return errors.New("the bucket or the package is missing")
	}
	a := types.Advisory{FixedVersion: fixed}
	if slices.Contains([]string{"npm", "pip", "go"}, bucket) {
		if vulnerable == "" {
			return fmt.Errorf("advisory %q names no vulnerable versions of %q", id, name)
		}
		bucket += "::" + starterSource
		a = types.Advisory{VulnerableVersions: []string{vulnerable}, PatchedVersions: strings.Fields(fixed)}
	}
	data, err := json.Marshal(&a)
	if err != nil {
		return fmt.Errorf("write advisory %q: %w", id, err)
	}
	key := ruleKey{bucket, name}
	s.known[key] = append(s.known[key], starterRecord{id, data})
	return nil
}

func (s *starterFacts) buckets() ([]string, error) { return s.names, nil }

func (s *starterFacts) origin(string) (origin, error) {
	return origin{ID: scanners.DatabaseStarter, Name: starterSource}, nil
}

func (s *starterFacts) records(bucket, name string, visit func(id string, data []byte)) error {
	found := slices.Clone(s.known[ruleKey{bucket, name}])
	slices.SortFunc(found, func(a, b starterRecord) int { return cmp.Compare(a.id, b.id) })
	for _, r := range found {
		visit(r.id, r.data)
	}
	return nil
}

func (s *starterFacts) detail(id string, read func(data []byte)) error {
	if data := s.details[id]; data != nil {
		read(data)
	}
	return nil
}

func (s *starterFacts) close() error { return nil }
