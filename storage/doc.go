// Package storage keeps what Plimsoll knows. For now that is what layers hold: [Layers]. One file per noun.
package storage
