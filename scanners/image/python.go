package image

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"plimsoll/scanners"
)

// parsePython reads the core metadata of an installed Python distribution (METADATA of a wheel, PKG-INFO of an egg):
// header fields up to the first empty line.
func parsePython(data []byte) ([]scanners.Package, error) {
	p := scanners.Package{Ecosystem: scanners.EcosystemPyPI}
	var stated, classified []string
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	for len(data) > 0 {
		var line []byte
		line, data = cutLine(data)
		if len(line) == 0 {
			break
		}
		field, value, ok := bytes.Cut(line, []byte{':'})
		if !ok || line[0] == ' ' || line[0] == '\t' {
			continue
		}
		text := string(bytes.TrimSpace(value))
		switch strings.ToLower(string(field)) {
		case "name":
			p.Name = text
		case "version":
			p.Version = text
		case "license-expression":
			stated = splitLicenses(text)
		case "license":
			if text != "UNKNOWN" && len(stated) == 0 {
				stated = addLicense(stated, text)
			}
		case "classifier":
			if rest, ok := strings.CutPrefix(text, "License ::"); ok {
				classified = addLicense(classified, strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(rest), "OSI Approved ::")))
			}
		}
	}
	switch {
	case p.Name == "" || p.Version == "":
		return nil, errors.New("metadata without a name or a version")
	case len(p.Name) > maxName || len(p.Version) > maxName:
		return nil, errors.New("name or version is longer than any index accepts")
	}
	if p.Licenses = stated; len(stated) == 0 {
		p.Licenses = classified
	}
	return []scanners.Package{p}, nil
}

// parsePythonEgg reads EGG-INFO/PKG-INFO of a zipped egg.
func parsePythonEgg(r io.ReaderAt, size int64) ([]scanners.Package, error) {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("not a readable egg: %w", err)
	}
	for _, f := range archive.File {
		if f.Name != "EGG-INFO/PKG-INFO" {
			continue
		}
		info, err := f.Open()
		if err != nil {
			return nil, fmt.Errorf("open PKG-INFO of the egg: %w", err)
		}
		data, err := io.ReadAll(io.LimitReader(info, maxManifest))
		_ = info.Close()
		if err != nil {
			return nil, fmt.Errorf("read PKG-INFO of the egg: %w", err)
		}
		return parsePython(data)
	}
	return nil, nil
}
