package image

// Limits on what a layer may ask of us. They are far above what real images hold; beyond them a file becomes a gap
// and a layer an error, never a full disk or a dead process.
const (
	maxMetadata = 64 << 20 // bytes of one package database
	maxManifest = 8 << 20  // bytes of one package's own metadata
	maxEgg      = 32 << 20 // bytes of one zipped egg
	maxEntries  = 5 << 20  // entries in one layer
	maxPath     = 4096     // bytes of one path, as Linux has it (PATH_MAX)
	maxGaps     = 1000     // gaps told for one layer
	maxLinked   = 100_000  // contents remembered for hard links in one layer
	minBinary   = 64 << 10 // bytes of the smallest program looked at; Go's linker makes none smaller
	maxModules  = 1 << 20  // bytes of module information in a Go program
)
