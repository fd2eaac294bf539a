// Package docker connects to Docker-compatible engines and collects facts. It judges nothing.
//
// [Discover] finds the engine that the user means: the one named, DOCKER_HOST, the current Docker context, or the usual
// sockets. [Connect] opens it. [Engine.Image] is one image as a [scanners.ImageSource]: its layers are read from the
// engine's own overlay2 folders where this process may read them, and otherwise from the engine's export as it streams.
//
// It is the only package that imports the engine's client. That client is frozen upstream; what is used of it is the
// interface api, so that its successor can take its place here and nowhere else.
package docker
