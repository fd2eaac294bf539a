package image

import (
	"bytes"
	"strings"

	"plimsoll/scanners"
)

// parseOSRelease reads an os-release(5) file: shell-like NAME=value lines.
func parseOSRelease(data []byte) scanners.Distribution {
	var d scanners.Distribution
	for len(data) > 0 {
		var line []byte
		line, data = cutLine(data)
		name, value, ok := bytes.Cut(line, []byte{'='})
		if !ok || len(value) > 200 {
			continue
		}
		text := strings.ToValidUTF8(strings.Trim(strings.TrimSpace(string(value)), `"'`), "�")
		switch string(bytes.TrimSpace(name)) {
		case "ID":
			d.ID = strings.ToLower(text)
		case "VERSION_ID":
			d.Version = text
		case "PRETTY_NAME":
			d.Name = text
		}
	}
	return d
}

// parseAPKSources reads which Alpine release the package sources belong to: …/alpine/v3.19/main or …/alpine/edge/main.
// It decides over os-release where an image follows another branch than it was made from. When the lines disagree,
// the newest counts as unknown.
func parseAPKSources(data []byte) scanners.Distribution {
	version := ""
	for len(data) > 0 {
		var line []byte
		line, data = cutLine(data)
		branch := alpineBranch(strings.TrimSpace(string(line)))
		if branch == "" {
			continue
		}
		if version != "" && version != branch {
			return scanners.Distribution{}
		}
		version = branch
	}
	if version == "" {
		return scanners.Distribution{}
	}
	return scanners.Distribution{ID: "alpine", Version: version}
}

func alpineBranch(line string) string {
	if strings.HasPrefix(line, "#") || strings.HasPrefix(line, "@") {
		return ""
	}
	_, rest, ok := strings.Cut(line, "/alpine/")
	if !ok {
		return ""
	}
	branch, _, _ := strings.Cut(rest, "/")
	if branch == "edge" {
		return branch
	}
	if version, ok := strings.CutPrefix(branch, "v"); ok && strings.Count(version, ".") == 1 {
		return version
	}
	return ""
}
