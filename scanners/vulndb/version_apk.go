package vulndb

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
)

// apkVersion is an Alpine version: digits{.digits}[letter]{_suffix[number]}[~hash][-rN]. The grammar is the one of
// "Package versions" in apk-package(5). It is our own because the common library takes 1.0_rc1 for newer than 1.0
// and refuses commit hashes.
type apkVersion struct{ parts []apkPart }

// apkPart is one element of a version. Kinds are ordered as they may follow each other; where two versions differ in
// the kind of their next part, the one with the higher kind is older (1.0 ends where 1.0-r1 goes on).
type apkPart struct {
	kind apkKind
	text string // digits, letter or hash
	rank int    // of a suffix: negative marks a pre-release
}

type apkKind int

const (
	apkFirst apkKind = iota
	apkDigits
	apkLetter
	apkSuffix
	apkSuffixNumber
	apkHash
	apkRevision
	apkEnd
)

// apkSuffixes are the suffixes from oldest to newest. Those before the empty one mark pre-releases.
var apkSuffixes = [...]string{"alpha", "beta", "pre", "rc", "", "cvs", "svn", "git", "hg", "p"}

func parseAPK(text string) (version, error) {
	first, rest := cutDigits(text)
	if first == "" {
		return nil, errors.New("it does not begin with a digit")
	}
	v := apkVersion{parts: append(make([]apkPart, 0, 8), apkPart{kind: apkFirst, text: first})}
	for rest != "" {
		part, remaining, err := nextAPKPart(rest)
		if err != nil {
			return nil, err
		}
		if last := v.parts[len(v.parts)-1].kind; !mayFollow(last, part.kind) {
			return nil, fmt.Errorf("%q is out of place", rest)
		}
		v.parts, rest = append(v.parts, part), remaining
	}
	return v, nil
}

// mayFollow says whether a part of kind next may stand after one of kind last.
func mayFollow(last, next apkKind) bool {
	switch next {
	case apkDigits:
		return last <= apkDigits
	case apkLetter:
		return last <= apkDigits
	case apkSuffix:
		return last <= apkSuffixNumber
	case apkSuffixNumber:
		return last == apkSuffix
	default:
		return last < next
	}
}

func nextAPKPart(text string) (part apkPart, rest string, err error) {
	switch c := text[0]; {
	case c == '.':
		part.kind = apkDigits
		part.text, rest = cutDigits(text[1:])
	case isLower(c):
		return apkPart{kind: apkLetter, text: text[:1]}, text[1:], nil
	case c == '_':
		return cutAPKSuffix(text[1:])
	case isDigit(c):
		part.kind = apkSuffixNumber
		part.text, rest = cutDigits(text)
	case c == '~':
		part.kind = apkHash
		part.text, rest = cutHex(text[1:])
	case strings.HasPrefix(text, "-r"):
		part.kind = apkRevision
		part.text, rest = cutDigits(text[2:])
	default:
		return apkPart{}, "", fmt.Errorf("%q is no part of a version", text)
	}
	if part.text == "" {
		return apkPart{}, "", fmt.Errorf("%q lacks its value", text)
	}
	return part, rest, nil
}

func cutAPKSuffix(text string) (apkPart, string, error) {
	end := 0
	for end < len(text) && isLower(text[end]) {
		end++
	}
	for i, name := range apkSuffixes {
		if name != "" && name == text[:end] {
			return apkPart{kind: apkSuffix, rank: i - 4}, text[end:], nil
		}
	}
	return apkPart{}, "", fmt.Errorf("suffix %q is unknown", "_"+text[:end])
}

func cutHex(text string) (digits, rest string) {
	i := 0
	for i < len(text) && (isDigit(text[i]) || ('a' <= text[i] && text[i] <= 'f')) {
		i++
	}
	return text[:i], text[i:]
}

func (v apkVersion) compare(other version) int {
	o := other.(apkVersion)
	for i := 0; ; i++ {
		a, b := v.part(i), o.part(i)
		if a.kind != b.kind {
			return compareAPKKinds(a, b)
		}
		if a.kind == apkEnd {
			return 0
		}
		if d := compareAPKParts(a, b); d != 0 {
			return d
		}
	}
}

func (v apkVersion) part(i int) apkPart {
	if i < len(v.parts) {
		return v.parts[i]
	}
	return apkPart{kind: apkEnd}
}

// compareAPKKinds compares where one version has another kind of part: a pre-release suffix makes it older.
func compareAPKKinds(a, b apkPart) int {
	switch {
	case a.kind == apkSuffix && a.rank < 0:
		return -1
	case b.kind == apkSuffix && b.rank < 0:
		return 1
	default:
		return cmp.Compare(b.kind, a.kind)
	}
}

func compareAPKParts(a, b apkPart) int {
	switch a.kind {
	case apkSuffix:
		return cmp.Compare(a.rank, b.rank)
	case apkLetter, apkHash:
		return strings.Compare(a.text, b.text)
	case apkDigits:
		// Digits with a leading zero are a decimal fraction: 1.01 is older than 1.1.
		if a.text[0] == '0' || b.text[0] == '0' {
			return strings.Compare(a.text, b.text)
		}
	}
	return compareDigits(a.text, b.text)
}
