package vulndb

import (
	"encoding/hex"
	"strings"
)

// isDigest says whether text is a digest as registries write it: sha256: and 64 hexadecimal digits.
func isDigest(text string) bool {
	digits, ok := strings.CutPrefix(text, "sha256:")
	return ok && len(digits) == 64 && isHex(digits)
}

// isHex says whether text consists of lower-case hexadecimal digits.
func isHex(text string) bool {
	digits, rest := cutHex(text)
	return digits != "" && rest == ""
}

// digestOf writes a SHA-256 sum as a digest.
func digestOf(sum []byte) string { return "sha256:" + hex.EncodeToString(sum) }
