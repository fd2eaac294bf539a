package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"plimsoll/scanners"
)

// WriteJSON writes the report as docs/report.schema.json describes it: indented by two spaces, lists never null. Text
// is kept as it is; only what is not UTF-8 is lost, to U+FFFD. Characters that a terminal would obey or hide are
// written as JSON escapes, which every reader turns back. The error is the writer's.
func WriteJSON(w io.Writer, r scanners.Report) error {
	data, err := marshal(filled(r), "  ")
	if err != nil {
		return fmt.Errorf("encode report: %w", err)
	}
	if _, err := w.Write(data); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// filled is the report with empty lists where there are none. What it is given stays unchanged.
func filled(r scanners.Report) scanners.Report {
	r.Run.Request = orEmpty(r.Run.Request)
	r.Targets = orEmpty(r.Targets)
	r.Findings = orEmpty(r.Findings)
	r.Coverage = orEmpty(r.Coverage)
	r.Assets = append([]scanners.Asset{}, r.Assets...)
	for i := range r.Assets {
		r.Assets[i].Layers = orEmpty(r.Assets[i].Layers)
		r.Assets[i].Packages = orEmpty(r.Assets[i].Packages)
	}
	r.Fixes = append([]scanners.FixAction{}, r.Fixes...)
	for i := range r.Fixes {
		r.Fixes[i].From = orEmpty(r.Fixes[i].From)
		r.Fixes[i].Findings = orEmpty(r.Fixes[i].Findings)
	}
	return r
}

func orEmpty[T any](values []T) []T {
	if values == nil {
		return []T{}
	}
	return values
}

// marshal encodes a document with HTML left alone and no character in it that is not printable. Without an indent it
// is one line.
func marshal(document any, indent string) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	if err := encoder.Encode(document); err != nil {
		return nil, err
	}
	return escaped(b.Bytes()), nil
}

// escaped writes the characters of a JSON document that are not printable as \u escapes (RFC 8259 section 7). They can
// only stand inside strings, because the encoder's own output is ASCII around them.
func escaped(data []byte) []byte {
	out := make([]byte, 0, len(data))
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		switch {
		case r == '\n' || strconv.IsPrint(r):
			out = append(out, data[:size]...)
		case r > 0xffff:
			r -= 0x10000
			out = fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		data = data[size:]
	}
	return out
}
