// Package archive connects to images that lie in files: docker-archive tars (docker save) and OCI image layouts, as a
// folder or packed into a tar, plain or compressed. It collects facts and hands layers on; it judges nothing.
//
// [Open] gives a [scanners.ImageSource] that holds every image of the file. A plain tar and a folder are read at random,
// several layers at a time. A compressed tar is read once from front to back, each layer as it passes; so is an engine's
// export, which is such a tar on a socket: [ReadStream].
//
// Formats: OCI image specification v1.1 (image layout, index, manifest, config) and Docker image specification v1.2/v1.3
// (manifest.json). Nothing is written to disk.
package archive
