package image

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"plimsoll/scanners"
)

// npmManifest are the fields of package.json that are read. The licence was an object, and a list of objects, in older
// manifests.
type npmManifest struct {
	Name     json.RawMessage `json:"name"`
	Version  json.RawMessage `json:"version"`
	License  json.RawMessage `json:"license"`
	Licenses json.RawMessage `json:"licenses"`
}

// parseNPM reads a package.json. One without name or version, as applications and test data have it, tells of no
// package.
func parseNPM(data []byte) ([]scanners.Package, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	var m npmManifest
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("not a readable package.json: %w", err)
	}
	name, version := jsonText(m.Name), jsonText(m.Version)
	if name == "" || version == "" {
		return nil, nil
	}
	if len(name) > maxName || len(version) > maxName {
		return nil, errors.New("name or version is longer than npm allows")
	}
	licenses := npmLicenses(nil, m.License)
	return []scanners.Package{{Name: name, Version: version, Ecosystem: scanners.EcosystemNPM, Licenses: npmLicenses(licenses, m.Licenses)}}, nil
}

// jsonText is a JSON string's text, "" for any other value.
func jsonText(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return ""
	}
	return text
}

// npmLicenses reads "MIT", {"type": "MIT"} and [{"type": "MIT"}, …].
func npmLicenses(licenses []string, raw json.RawMessage) []string {
	var expression string
	var one struct{ Type string }
	var many []json.RawMessage
	switch {
	case len(raw) == 0:
	case json.Unmarshal(raw, &expression) == nil:
		for _, l := range splitLicenses(expression) {
			licenses = addLicense(licenses, l)
		}
	case json.Unmarshal(raw, &one) == nil:
		licenses = addLicense(licenses, one.Type)
	case json.Unmarshal(raw, &many) == nil:
		for _, m := range many[:min(len(many), maxLicenses)] {
			if m = bytes.TrimSpace(m); len(m) > 0 && m[0] != '[' {
				licenses = npmLicenses(licenses, m)
			}
		}
	}
	return licenses
}
