package report

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/package-url/packageurl-go"
	"gopkg.in/yaml.v3"
)

// maxIgnoreFile is the size of the largest ignore file that is read, in bytes.
const maxIgnoreFile = 1 << 20

// IgnoreFile is the findings that a team decided to live with, each with its reason. It is written in YAML:
//
//	ignore:
//	  - id: CVE-2024-1234          # advisory, and/or
//	    package: openssl           # name of the package or of its source package
//	    reason: the service opens no TLS connections
//	    until: 2026-12-31          # last day that it holds, in UTC; without it, it holds for good
//	  - purl: pkg:npm/lodash       # any version; with a version or qualifiers, exactly those
//	    path: usr/lib/**           # where the package is told of: * within a folder, ** across folders
//	    asset: shop/web:*          # name or key of the image
//	    reason: development tool, removed in the next release
//
// An entry takes out the findings that everything in it fits. It needs a reason and one of id, package and purl.
type IgnoreFile struct {
	name    string
	entries []ignoreEntry
}

// ignoreEntry is one decision of an ignore file.
type ignoreEntry struct {
	line   int
	id     string
	pkg    string
	purl   string
	parsed packageurl.PackageURL // of purl
	path   *regexp.Regexp
	asset  *regexp.Regexp
	reason string
	until  string // YYYY-MM-DD or ""
}

// ReadIgnoreFile reads an ignore file of at most 1 MiB; name is what errors and notes call it. It is strict: whatever
// it does not understand, also a misspelt key, is an error that names the line and what to write instead. Anchors and
// aliases are refused. An empty file ignores nothing.
func ReadIgnoreFile(r io.Reader, name string) (IgnoreFile, error) {
	fail := func(err error) (IgnoreFile, error) {
		return IgnoreFile{}, fmt.Errorf("read ignore file %q: %w", name, err)
	}
	data, err := io.ReadAll(io.LimitReader(r, maxIgnoreFile+1))
	if err != nil {
		return fail(err)
	}
	if len(data) > maxIgnoreFile {
		return fail(errors.New("it is larger than 1 MiB: split it, one file for each image or team"))
	}
	root, err := document(data)
	if err != nil {
		return fail(err)
	}
	if root == nil {
		return IgnoreFile{name: name}, nil
	}
	entries, err := readEntries(root)
	if err != nil {
		return fail(err)
	}
	return IgnoreFile{name: name, entries: entries}, nil
}

// document parses one YAML document into nodes, which alias bombs cannot blow up. It is nil when there is none.
func document(data []byte) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(strings.NewReader(string(data)))
	var root, next yaml.Node
	if err := decoder.Decode(&root); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, fmt.Errorf("it is not valid YAML, correct it: %w", err)
	}
	if err := decoder.Decode(&next); !errors.Is(err, io.EOF) {
		return nil, errors.New("it holds more than one YAML document: put all entries below one ignore: key")
	}
	if len(root.Content) != 1 || root.Content[0].Tag == "!!null" {
		return nil, nil
	}
	return root.Content[0], plain(root.Content[0])
}

// plain refuses anchors and aliases.
func plain(node *yaml.Node) error {
	if node.Anchor != "" || node.Kind == yaml.AliasNode {
		return atLine(node, "anchors and aliases are not read: write the entry out")
	}
	for _, child := range node.Content {
		if err := plain(child); err != nil {
			return err
		}
	}
	return nil
}

// readEntries reads the document's only key.
func readEntries(root *yaml.Node) ([]ignoreEntry, error) {
	const shape = "start the file with \"ignore:\" and list the entries below it, each with \"- id: …\" and \"reason: …\""
	if root.Kind != yaml.MappingNode {
		return nil, atLine(root, shape)
	}
	for i := 0; i < len(root.Content); i += 2 {
		if key := root.Content[i]; key.Value != "ignore" || i > 0 {
			return nil, atLine(key, "unexpected key %q: %s", key.Value, shape)
		}
	}
	list := root.Content[1]
	if list.Tag == "!!null" {
		return nil, nil
	}
	if list.Kind != yaml.SequenceNode {
		return nil, atLine(list, shape)
	}
	entries := make([]ignoreEntry, 0, len(list.Content))
	for _, node := range list.Content {
		e, err := readEntry(node)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// readEntry reads one entry and checks that it is complete.
func readEntry(node *yaml.Node) (ignoreEntry, error) {
	e := ignoreEntry{line: node.Line}
	if node.Kind != yaml.MappingNode {
		return e, atLine(node, "an entry is keys with values: write \"- id: …\" and \"reason: …\"")
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if seen[key.Value] {
			return e, atLine(key, "key %q stands twice in one entry: keep one, or start another entry with \"-\"", key.Value)
		}
		seen[key.Value] = true
		text := strings.TrimSpace(value.Value)
		if value.Kind != yaml.ScalarNode || value.Tag == "!!null" || text == "" {
			return e, atLine(value, "key %q needs a text: write it on the same line", key.Value)
		}
		if err := e.set(key.Value, text); err != nil {
			return e, atLine(key, "%w", err)
		}
	}
	switch {
	case e.label() == "":
		return e, atLine(node, "an entry needs an id, a package or a purl: say which finding is ignored")
	case e.reason == "":
		return e, atLine(node, "the entry for %s needs a reason: say in one sentence why it is acceptable", e.label())
	}
	return e, nil
}

// set takes one key of an entry.
func (e *ignoreEntry) set(key, text string) error {
	switch key {
	case "id":
		e.id = text
	case "package":
		e.pkg = text
	case "purl":
		purl, err := packageurl.FromString(text)
		if err != nil {
			return fmt.Errorf("purl %q is not a package-url, write for example pkg:npm/lodash: %w", text, err)
		}
		e.purl, e.parsed = text, purl
	case "path":
		e.path = glob(strings.TrimPrefix(text, "/"))
	case "asset":
		e.asset = glob(text)
	case "reason":
		e.reason = text
	case "until":
		if _, err := time.Parse(time.DateOnly, text); err != nil {
			return fmt.Errorf("until %q is not a date: write it as 2026-12-31", text)
		}
		e.until = text
	default:
		return fmt.Errorf("unknown key %q: use id, package, purl, path, asset, reason and until", key)
	}
	return nil
}

// label is what people know the entry by; "" when it does not say which finding is meant.
func (e ignoreEntry) label() string {
	var parts []string
	for _, part := range []string{e.id, e.pkg, e.purl} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return Visible(strings.Join(parts, " in "))
}

// glob compiles a pattern: ? is one character and * any number of them within a folder, ** also across folders.
// Matching takes time proportional to the text (RE2), whatever the pattern.
func glob(pattern string) *regexp.Regexp {
	quoted := regexp.QuoteMeta(pattern)
	quoted = strings.NewReplacer(`\*\*/`, `(?:.*/)?`, `\*\*`, `.*`, `\*`, `[^/]*`, `\?`, `[^/]`).Replace(quoted)
	return regexp.MustCompile(`(?s)\A` + quoted + `\z`)
}

// atLine is an error that names where in the file it was made.
func atLine(node *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("line %d: %w", node.Line, fmt.Errorf(format, args...))
}
