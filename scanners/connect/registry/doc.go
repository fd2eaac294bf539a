// Package registry talks to container registries: it finds one layer of an artifact and streams it, from any offset.
//
// It exists to fetch vulnerability databases, which are OCI artifacts with a single layer. A [Client] satisfies the
// small interface that scanners/vulndb declares for that. Sign-in is anonymous or with the credentials that
// `docker login` stored; certificates are verified; plain HTTP is spoken with loopback hosts only, and only when asked
// for.
//
// Everything a registry answers is hostile: sizes are bounded, and the caller verifies digests of what it downloads.
package registry
