// Package vulndb answers one question: which known vulnerabilities concern this package at this version?
//
// A [Database] is either a trivy-db (schema 2, a bbolt file) that [Open] reads, or [Starter], the few hundred
// advisories compiled into the program. Both answer through the same code, [Database.Match], in these steps:
//
//	package ──bucket, name──▶ records ──version comparison──▶ those that concern it ──id──▶ title, rating, references
//
// Distribution packages are looked up by their source package in the bucket of their release ("debian 12"), language
// packages by name in every bucket of their ecosystem ("npm::…"). What could not be judged (a version that cannot be
// read, a damaged record) comes back as a [Gap]: it is never silently "not vulnerable".
//
// [Store] keeps databases on disk: it downloads, verifies, unpacks and swaps them while running scans keep the one
// that they opened.
//
// To add a distribution, add a row to families in distribution.go. To add an ecosystem, add its version order to
// orderOf in version.go and its bucket prefix to languagePrefix in match.go.
//
// It is the only package that knows trivy-db. It imports its types only: its own reader depends on global state. The
// bbolt file below it is read by pages.go, which says why.
package vulndb
