package image

import (
	"bytes"
	"slices"
	"strings"
)

// maxLicenses bounds what one package may state.
const maxLicenses = 50

// splitLicenses takes an SPDX expression apart ("MIT AND (GPL-2.0-only OR BSD-2-Clause)"), as a list of the licences
// that are in it.
func splitLicenses(expression string) []string {
	if len(expression) > maxName {
		expression = expression[:maxName]
	}
	var licenses []string
	for _, word := range strings.FieldsFunc(expression, func(r rune) bool { return r == ' ' || r == '(' || r == ')' || r == '\t' }) {
		switch strings.ToUpper(word) {
		case "AND", "OR", "WITH", "":
		default:
			licenses = addLicense(licenses, word)
		}
	}
	return licenses
}

func addLicense(licenses []string, license string) []string {
	license = strings.TrimSpace(license)
	if license == "" || len(license) > 200 || len(licenses) >= maxLicenses || slices.Contains(licenses, license) {
		return licenses
	}
	return append(licenses, strings.ToValidUTF8(license, "�"))
}

// parseCopyright reads a Debian copyright file: the short names of the machine-readable format (DEP 5), else the
// licences in /usr/share/common-licenses that the text refers to.
func parseCopyright(data []byte) []string {
	var licenses []string
	for rest := data; len(rest) > 0; {
		var line []byte
		line, rest = cutLine(rest)
		if value, ok := bytes.CutPrefix(line, []byte("License:")); ok {
			for name := range strings.SplitSeq(string(value), " or ") {
				for part := range strings.SplitSeq(name, " and ") {
					licenses = addLicense(licenses, strings.Trim(part, " ,()"))
				}
			}
		}
	}
	if len(licenses) > 0 {
		return licenses
	}
	const common = "/usr/share/common-licenses/"
	for {
		i := bytes.Index(data, []byte(common))
		if i < 0 {
			return licenses
		}
		data = data[i+len(common):]
		end := bytes.IndexFunc(data, func(r rune) bool {
			return r != '-' && r != '.' && r != '+' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
		})
		if end < 0 {
			end = len(data)
		}
		licenses = addLicense(licenses, strings.TrimRight(string(data[:end]), "."))
	}
}
