package scanners

import "regexp"

// masked is what stands where a secret stood.
const masked = "●●●"

// secretShapes are the places in build instructions, arguments and annotations where secrets stand. The first group is
// kept, the second is what gets masked.
var secretShapes = []*regexp.Regexp{
	// NAME=value and NAME: value where the name tells that the value is secret
	regexp.MustCompile(`(?i)([\w.-]*(?:passw(?:or)?d|passphrase|secret|token|api_?key|access_?key|private_?key|credential|auth)[\w.-]*(?:=|:\s*)["']?)([^\s"'&|;]+)`),
	// --password value, --token value
	regexp.MustCompile(`(?i)(--?[\w-]*(?:password|passwd|secret|token|api-?key)[\w-]*\s+["']?)([^\s"'&|;-][^\s"'&|;]*)`),
	// https://user:password@host
	regexp.MustCompile(`(\w+://[^\s:/@]+:)([^\s@/]+)(?:@)`),
	// Authorization: Bearer …
	regexp.MustCompile(`(?i)((?:bearer|basic)\s+)([\w.~+/=-]{8,})`),
	// well-known token shapes, wherever they stand
	regexp.MustCompile(`()\b((?:AKIA|ASIA)[A-Z0-9]{16}|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{20,}|xox[abprs]-[\w-]{10,}|sk_live_\w{10,}|npm_\w{30,}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*)`),
}

// Mask replaces what looks like a secret in text that is about to become a fact. It would rather mask too much than
// too little: the text is shown to explain where something came from, not to be run again.
func Mask(text string) string {
	for i, shape := range secretShapes {
		replacement := "${1}" + masked
		if i == 2 {
			replacement += "@"
		}
		text = shape.ReplaceAllString(text, replacement)
	}
	return text
}
