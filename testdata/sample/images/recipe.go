package images

import (
	"slices"
	"strings"

	"plimsoll/scanners"
)

// recipe is one image for one platform, as a Dockerfile builds it, with what each of its layers brings.
type recipe struct {
	reference    string
	platform     scanners.Platform
	distribution scanners.Distribution
	created      string // RFC 3339
	environment  []string
	command      []string
	steps        []step
	found        []Package
	hidden       []Package
}

// add appends a step that brings packages.
func (r *recipe) add(s step, brought ...[]Package) {
	r.steps = append(r.steps, s)
	for _, p := range slices.Concat(brought...) {
		p.Layer = r.layer()
		r.found = append(r.found, p)
	}
}

// hide says of packages that a scan must not find them, from the last step on.
func (r *recipe) hide(packages []Package) {
	for _, p := range packages {
		p.Layer = r.layer()
		if i := slices.IndexFunc(r.found, func(f Package) bool { return comparePackages(f, p) == 0 }); i >= 0 {
			p = r.found[i]
			r.found = slices.Delete(r.found, i, i+1)
		}
		r.hidden = append(r.hidden, p)
	}
}

// layer is the index of the last layer so far.
func (r *recipe) layer() int {
	n := -1
	for _, s := range r.steps {
		if s.files != nil {
			n++
		}
	}
	return n
}

// facts are what the package managers' entries tell.
func facts[T interface{ fact() Package }](entries []T) []Package {
	var packages []Package
	for _, e := range entries {
		packages = append(packages, e.fact())
	}
	return packages
}

// step is one instruction and what it left in the image's history.
type step struct {
	instruction string // as people write it
	createdBy   string // as the build records it
	classic     bool   // recorded by the engine's old builder, else by BuildKit
	files       tree   // nil: changed no file
	packing     packing
}

// base is the step that brought the distribution.
func base(archive string, files tree) step {
	return step{
		instruction: "ADD " + archive + " /", createdBy: "/bin/sh -c #(nop) ADD " + archive + " / ", classic: true,
		files: files, packing: gzipped,
	}
}

// run is a RUN instruction.
func run(command string, files tree, packing packing) step {
	return step{instruction: "RUN " + command, createdBy: "RUN /bin/sh -c " + command + " # buildkit", files: files, packing: packing}
}

// copied is a COPY instruction.
func copied(what string, files tree, packing packing) step {
	return step{instruction: "COPY " + what, createdBy: "COPY " + what + " # buildkit", files: files, packing: packing}
}

// setting is an instruction that changes no file.
func setting(instruction string) step {
	return step{instruction: instruction, createdBy: instruction}
}

// osRelease is an os-release(5) file.
func osRelease(d scanners.Distribution, home string) node {
	lines := []string{`PRETTY_NAME="` + d.Name + `"`, "ID=" + d.ID, `VERSION_ID="` + d.Version + `"`, `HOME_URL="` + home + `"`, ""}
	return text(strings.Join(lines, "\n"))
}
