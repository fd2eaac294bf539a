package vulndb_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll/scanners"
	"plimsoll/scanners/vulndb"
)

func TestSupport(t *testing.T) {
	const debianPage, ubuntuPage, alpinePage = "https://wiki.debian.org/LTS", "https://ubuntu.com/about/release-cycle", "https://alpinelinux.org/releases/"
	end := func(day string) time.Time {
		d, err := time.Parse(time.RFC3339, day+"T23:59:59Z")
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	tests := []struct {
		id, version, at string
		want            vulndb.SupportState
	}{
		{"debian", "12", "2028-06-30T23:59:59Z", vulndb.SupportState{Level: vulndb.Supported, Until: end("2028-06-30"), SourceURL: debianPage}},
		{"debian", "12.5", "2028-07-01T00:00:00Z", vulndb.SupportState{Level: vulndb.EndOfLife, Until: end("2028-06-30"), SourceURL: debianPage}},
		{"debian", "10", "2026-01-01T00:00:00Z", vulndb.SupportState{Level: vulndb.EndOfLife, Until: end("2024-06-30"), SourceURL: debianPage}},
		{"debian", "14", "2026-01-01T00:00:00Z", vulndb.SupportState{Level: vulndb.Supported, SourceURL: debianPage}},
		{"debian", "1", "2026-01-01T00:00:00Z", vulndb.SupportState{Level: vulndb.Unsupported}},
		{"debian", "", "2026-01-01T00:00:00Z", vulndb.SupportState{Level: vulndb.Unsupported}},
		{"debian", "trixie/sid", "2026-01-01T00:00:00Z", vulndb.SupportState{Level: vulndb.Unsupported}},
		{"ubuntu", "22.04", "2026-01-01T00:00:00Z", vulndb.SupportState{Level: vulndb.Supported, Until: end("2027-06-01"), SourceURL: ubuntuPage}},
		{"ubuntu", "20.04", "2026-01-01T00:00:00Z", vulndb.SupportState{Level: vulndb.EndOfLife, Until: end("2025-05-31"), SourceURL: ubuntuPage}},
		{"ubuntu", "22", "2026-01-01T00:00:00Z", vulndb.SupportState{Level: vulndb.Unsupported}},
		{"alpine", "3.20.3", "2026-04-02T00:00:00Z", vulndb.SupportState{Level: vulndb.EndOfLife, Until: end("2026-04-01"), SourceURL: alpinePage}},
		{"alpine", "3.22.0", "2026-04-02T00:00:00Z", vulndb.SupportState{Level: vulndb.Supported, Until: end("2027-05-01"), SourceURL: alpinePage}},
		{"alpine", "3.24_alpha20251224", "2026-04-02T00:00:00Z", vulndb.SupportState{Level: vulndb.Supported, SourceURL: alpinePage}},
		{"alpine", "3.100.1", "2026-04-02T00:00:00Z", vulndb.SupportState{Level: vulndb.Supported, SourceURL: alpinePage}},
		{"wolfi", "20230201", "2026-04-02T00:00:00Z", vulndb.SupportState{Level: vulndb.Supported, SourceURL: "https://github.com/wolfi-dev"}},
		{"fedora", "40", "2026-04-02T00:00:00Z", vulndb.SupportState{Level: vulndb.Unsupported}},
	}
	for _, tt := range tests {
		t.Run(tt.id+" "+tt.version, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339, tt.at)
			if err != nil {
				t.Fatal(err)
			}
			got := vulndb.Support(scanners.Distribution{ID: tt.id, Version: tt.version}, at)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestEveryRelease walks through releases by number: each one up to the newest that is known has an end.
func TestEveryRelease(t *testing.T) {
	at := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	releases := map[string]string{
		"debian": "4 5 6 7 8 9 10 11 12 13",
		"ubuntu": "10.04 12.04 14.04 16.04 18.04 20.04 22.04 24.04 26.04 24.10 25.04 25.10",
		"alpine": "2.1 2.7 3.0 3.1 3.2 3.3 3.4 3.5 3.6 3.7 3.8 3.9 3.10 3.11 3.12 3.13 3.14 3.15 3.16 3.17 3.18 3.19 3.20 3.21 3.22 3.23",
	}
	for id, versions := range releases {
		for version := range strings.FieldsSeq(versions) {
			state := vulndb.Support(scanners.Distribution{ID: id, Version: version}, at)
			if state.Level == vulndb.Unsupported || state.Until.IsZero() || !strings.HasPrefix(state.SourceURL, "https://") {
				t.Errorf("%s %s: %+v", id, version, state)
			}
			if ended := state.Level == vulndb.EndOfLife; ended != at.After(state.Until) {
				t.Errorf("%s %s: %+v", id, version, state)
			}
		}
	}
}
