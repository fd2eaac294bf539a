package vulndb

import "strings"

// decodeQuickly reads the JSON of almost all records: one flat object with the fields of record, plain strings and small
// numbers, written without spaces as trivy-db's builder does. It says false, and may leave r half filled, when the
// record has another form: encoding/json is the judge then. A scan decodes thousands of records, and this is ten times
// as fast.
func (r *record) decodeQuickly(data []byte) bool {
	q := quick{rest: data}
	if !q.skip('{') {
		return false
	}
	if q.skip('}') {
		return len(q.rest) == 0
	}
	for {
		name, ok := q.text()
		if !ok || !q.skip(':') || !r.decodeField(name, &q) {
			return false
		}
		if !q.skip(',') {
			break
		}
	}
	return q.skip('}') && len(q.rest) == 0
}

func (r *record) decodeField(name string, q *quick) (ok bool) {
	switch name {
	case "FixedVersion":
		r.FixedVersion, ok = q.text()
	case "AffectedVersion":
		r.AffectedVersion, ok = q.text()
	case "Severity":
		r.Severity, ok = q.digit()
	case "Status":
		r.Status, ok = q.digit()
	case "VendorIDs":
		r.VendorIDs, ok = q.texts()
	case "VulnerableVersions":
		r.VulnerableVersions, ok = q.texts()
	case "PatchedVersions":
		r.PatchedVersions, ok = q.texts()
	case "UnaffectedVersions":
		r.UnaffectedVersions, ok = q.texts()
	}
	return ok
}

// quick is what is left of a text.
type quick struct{ rest []byte }

// skip passes over one character, if it is there.
func (q *quick) skip(c byte) bool {
	if len(q.rest) == 0 || q.rest[0] != c {
		return false
	}
	q.rest = q.rest[1:]
	return true
}

// text reads a string of printable ASCII. The only escapes are the two that Go writes for "<" and ">".
func (q *quick) text() (string, bool) {
	if !q.skip('"') {
		return "", false
	}
	plain := true
	for i, c := range q.rest {
		switch {
		case c == '"':
			text := string(q.rest[:i])
			q.rest = q.rest[i+1:]
			if plain {
				return text, true
			}
			return unescapeAngles(text)
		case c == '\\':
			plain = false
		case c < ' ' || c > '~':
			return "", false
		}
	}
	return "", false
}

// texts reads a list of strings.
func (q *quick) texts() ([]string, bool) {
	if !q.skip('[') {
		return nil, false
	}
	var all []string
	for {
		text, ok := q.text()
		if !ok {
			return nil, false
		}
		all = append(all, text)
		if !q.skip(',') {
			return all, q.skip(']')
		}
	}
}

// digit reads a number of one digit.
func (q *quick) digit() (int, bool) {
	if len(q.rest) < 2 || !isDigit(q.rest[0]) || (q.rest[1] != ',' && q.rest[1] != '}') {
		return 0, false
	}
	n := int(q.rest[0] - '0')
	q.rest = q.rest[1:]
	return n, true
}

// unescapeAngles undoes the escapes that Go's encoder writes for angle brackets; false when there are others.
func unescapeAngles(text string) (string, bool) {
	text = strings.ReplaceAll(text, `\u003c`, "<")
	text = strings.ReplaceAll(text, `\u003e`, ">")
	return text, !strings.Contains(text, `\`)
}
