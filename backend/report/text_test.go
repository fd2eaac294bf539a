package report_test

import (
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"plimsoll/backend/report"
)

func TestVisible(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"plain", "libssl3 3.0.11-1~deb12u2", "libssl3 3.0.11-1~deb12u2"},
		{"other scripts stay", "日本語 español ✓", "日本語 español ✓"},
		{"line breaks", "a\r\nb\tc", `a\r\nb\tc`},
		{"colour sequence", "\x1b[31mred", `\x1b[31mred`},
		{"C1 control sequence introducer", "\u009b31m", `\u009b31m`},
		{"delete", "a\x7f", `a\x7f`},
		{"bidirectional override", "\u202egpj.exe", `\u202egpj.exe`},
		{"bidirectional isolate", "\u2066a\u2069", `\u2066a\u2069`},
		{"no width", "pay\u200bpal\ufeff", `pay\u200bpal\ufeff`},
		{"spaces that look like others", "a\u00a0b\u3000", `a\u00a0b\u3000`},
		{"tag characters", "\U000e0041", `\U000e0041`},
		{"private use", "\ue000", `\ue000`},
		{"not UTF-8", "a\xffb\xc0\x9b", `a\xffb\xc0\x9b`},
		{"half a surrogate", "\xed\xa0\x80", `\xed\xa0\x80`},
		{"accents stay", "e\u0301", "e\u0301"},
		{"too many accents", "e" + strings.Repeat("\u0301", 6), "e" + strings.Repeat("\u0301", 4) + `\u0301\u0301`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := report.Visible(test.text); got != test.want {
				t.Errorf("Visible(%+q) = %+q, want %+q", test.text, got, test.want)
			}
		})
	}
}

func FuzzVisible(f *testing.F) {
	f.Add("plain")
	f.Add("\x1b[2J\u202e\u009b\xff\u200b\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		got := report.Visible(text)
		if !utf8.ValidString(got) {
			t.Errorf("Visible(%q) is not UTF-8", text)
		}
		for _, r := range got {
			if !strconv.IsPrint(r) {
				t.Errorf("Visible(%q) holds %U", text, r)
			}
		}
		if again := report.Visible(got); again != got {
			t.Errorf("Visible(%q) changes again: %q, then %q", text, got, again)
		}
	})
}
