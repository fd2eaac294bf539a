package report_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"plimsoll/backend/report"
	"plimsoll/scanners"
)

const schemaFile = "../../docs/report.schema.json"

func TestJSONFollowsItsSchema(t *testing.T) {
	schema := compiledSchema(t)
	valid := filledReport("2026-01-01T00:00:00Z")
	valid.Schema = scanners.ReportSchema
	for i := range valid.Findings {
		valid.Findings[i].Status = scanners.StatusFixed
		valid.Fixes[i].Status = scanners.StatusFixed
		valid.Ignored[i].Finding.Status = scanners.StatusFixed
		valid.Coverage[i].State = scanners.CoverageDone
	}
	tests := []struct {
		name   string
		report scanners.Report
	}{
		{"nothing", emptyReport()},
		{"clean", cleanReport()},
		{"typical", typicalReport()},
		{"starter", starterReport()},
		{"canceled", canceledReport()},
		{"failed", failedReport()},
		{"ignored", ignoredReport()},
		{"hostile", hostileReport()},
		{"every field", valid},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			document, err := jsonschema.UnmarshalJSON(bytes.NewReader(encode(t, test.report)))
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(document); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSchemaRefuses(t *testing.T) {
	schema := compiledSchema(t)
	tests := []struct{ name, old, new string }{
		{"another version", `"plimsoll.report/v1"`, `"plimsoll.report/v2"`},
		{"an unknown severity", `"severity": "critical"`, `"severity": "terrible"`},
		{"an unknown key", `"canceled": false`, `"canceled": false, "cancelled": false`},
		{"a missing key", `"endedAt"`, `"endetAt"`},
		{"null for a list", `"targets": [`, `"targets": null, "x": [`},
	}
	data := string(encode(t, typicalReport()))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			changed := strings.Replace(data, test.old, test.new, 1)
			if changed == data {
				t.Fatalf("%s is not in the report", test.old)
			}
			document, err := jsonschema.UnmarshalJSON(strings.NewReader(changed))
			if err != nil {
				t.Fatal(err)
			}
			if schema.Validate(document) == nil {
				t.Error("the schema accepts it")
			}
		})
	}
}

// TestSchemaKnowsEveryField walks the Go types beside the schema, so that neither grows without the other.
func TestSchemaKnowsEveryField(t *testing.T) {
	data, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	var root schemaNode
	if err := json.Unmarshal(data, &root); err != nil {
		t.Fatal(err)
	}
	w := schemaWalk{t: t, defs: root.Defs}
	w.check("report", reflect.TypeFor[scanners.Report](), root)
}

func TestJSONRoundTrip(t *testing.T) {
	for _, r := range []scanners.Report{typicalReport(), ignoredReport(), failedReport(), filledReport("a\x1b\u202e\u009b<&>日本\U000e0041")} {
		var got scanners.Report
		if err := json.Unmarshal(encode(t, r), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("round trip (-want +got):\n%s", diff)
		}
	}
}

func TestJSONHasNoNull(t *testing.T) {
	r := scanners.Report{Assets: make([]scanners.Asset, 1), Findings: make([]scanners.Finding, 1), Fixes: make([]scanners.FixAction, 1)}
	if data := encode(t, r); bytes.Contains(data, []byte("null")) {
		t.Errorf("report holds null:\n%s", data)
	}
	if r.Assets[0].Layers != nil || r.Fixes[0].From != nil {
		t.Error("writing changed the caller's report")
	}
}

func FuzzWriteJSON(f *testing.F) {
	f.Add("plain")
	f.Add("\x1b[31m\u202e\u009b\x7f\xff\"\\</script>")
	f.Add("\U000e0041\U0010ffff\u2028")
	f.Fuzz(func(t *testing.T, text string) {
		r := filledReport(text)
		data := encode(t, r)
		for _, c := range string(data) {
			if c != '\n' && !strconv.IsPrint(c) {
				t.Fatalf("document holds %U", c)
			}
		}
		var got scanners.Report
		if err := json.Unmarshal(data, &got); err != nil {
			t.Fatal(err)
		}
		if !utf8.ValidString(text) {
			return
		}
		if diff := cmp.Diff(r, got); diff != "" {
			t.Errorf("round trip (-want +got):\n%s", diff)
		}
	})
}

func encode(t *testing.T, r scanners.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := report.WriteJSON(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	schema, err := compiler.Compile(filepath.FromSlash(schemaFile))
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// schemaNode is as much of a JSON Schema as the walk reads.
type schemaNode struct {
	Description          string                `json:"description"`
	Ref                  string                `json:"$ref"`
	Type                 string                `json:"type"`
	Enum                 []string              `json:"enum"`
	Const                string                `json:"const"`
	Properties           map[string]schemaNode `json:"properties"`
	Required             []string              `json:"required"`
	AdditionalProperties *bool                 `json:"additionalProperties"`
	Items                *schemaNode           `json:"items"`
	Defs                 map[string]schemaNode `json:"$defs"`
}

type schemaWalk struct {
	t    *testing.T
	defs map[string]schemaNode
}

func (w schemaWalk) check(name string, typ reflect.Type, node schemaNode) {
	described := node.Description != ""
	if node.Ref != "" {
		target, known := w.defs[strings.TrimPrefix(node.Ref, "#/$defs/")]
		if !known {
			w.t.Errorf("%s: %s is not defined", name, node.Ref)
			return
		}
		node, described = target, described || target.Description != ""
	}
	if !described && !strings.HasSuffix(name, "[]") {
		w.t.Errorf("%s has no description", name)
	}
	switch {
	case typ == reflect.TypeFor[time.Time](), typ == reflect.TypeFor[scanners.Severity](), typ.Kind() == reflect.String:
		w.want(name, node.Type == "string" || len(node.Enum) > 0 || node.Const != "", "a text")
	case typ.Kind() == reflect.Bool:
		w.want(name, node.Type == "boolean", "a boolean")
	case typ.Kind() == reflect.Int:
		w.want(name, node.Type == "integer", "an integer")
	case typ.Kind() == reflect.Float64:
		w.want(name, node.Type == "number", "a number")
	case typ.Kind() == reflect.Slice:
		if w.want(name, node.Type == "array" && node.Items != nil, "a list") {
			w.check(name+"[]", typ.Elem(), *node.Items)
		}
	case typ.Kind() == reflect.Struct:
		w.object(name, typ, node)
	default:
		w.t.Errorf("%s is a %s, which has no place in a report", name, typ.Kind())
	}
}

func (w schemaWalk) object(name string, typ reflect.Type, node schemaNode) {
	if !w.want(name, node.Type == "object" && node.AdditionalProperties != nil && !*node.AdditionalProperties, "a closed object") {
		return
	}
	var keys []string
	for i := range typ.NumField() {
		field := typ.Field(i)
		key, option, _ := strings.Cut(field.Tag.Get("json"), ",")
		keys = append(keys, key)
		property, known := node.Properties[key]
		if !known {
			w.t.Errorf("%s.%s is not in the schema", name, key)
			continue
		}
		if required := slices.Contains(node.Required, key); required == (option != "") {
			w.t.Errorf("%s.%s: required is %v, and its tag says %q", name, key, required, option)
		}
		w.check(name+"."+key, field.Type, property)
	}
	for key := range node.Properties {
		if !slices.Contains(keys, key) {
			w.t.Errorf("%s.%s is in the schema only", name, key)
		}
	}
}

func (w schemaWalk) want(name string, ok bool, what string) bool {
	if !ok {
		w.t.Errorf("%s is not %s in the schema", name, what)
	}
	return ok
}
