// Package scanners is Plimsoll's vocabulary: the nouns that every other package speaks, one file per noun.
//
// Data flows one way:
//
//	target ──connect──▶ facts ──judge──▶ findings ──reconcile──▶ history ──weigh──▶ risk ──show──▶ people
//
// A connector (scanners/connect/…) does the I/O with one kind of place and returns facts. A judge
// (scanners/image and its siblings) turns facts into findings and names what it could not look at as
// [Coverage]. Judging is pure: the same facts always give the same findings.
//
// Facts are plain data: no pointers, no "any", effective values after defaults (a test enforces it). Text that
// came from what was scanned is hostile; whoever shows it renders it as text.
//
// The package imports the standard library only and does no I/O.
package scanners
