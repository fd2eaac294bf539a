// Package image judges container images: which packages do the layers hold, and what is known to be wrong with them.
//
// It works in three steps, each pure once the layer's bytes are there:
//
//	layer content ──Analyser.Analyse──▶ LayerFacts ──Merge──▶ Inventory ──Match──▶ findings and coverage
//
// [Analyser.Analyse] walks one layer, a folder or a tar stream, exactly once and in parallel where it can. Nothing is
// unpacked: [kindOf] decides by name which files tell of packages, and only those are read, into pooled buffers. The
// result does not depend on the image, so it is cached by the layer's diff id and shared by all images.
//
// [Merge] lays the layers on top of each other (whiteouts, opaque folders, folders replaced by files) and joins what is
// left into one inventory: which layer brought each package, which distribution package owns it, under which licence.
//
// [Match] asks the vulnerability database about each package and says what it could not judge.
//
// To add an ecosystem: a kind in kind.go, a parser in a file of its own with a fuzz target, and a case in parseContent.
package image
