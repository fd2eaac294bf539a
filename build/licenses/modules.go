package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// module is one module of which at least one package is compiled into the program.
type module struct {
	path, version string
	files         []file // sorted by name
}

// file is a licence or a notice in a module's folder.
type file struct {
	name string // below the module's folder
	text string
}

// licenseName matches the names that licences and notices have.
var licenseName = regexp.MustCompile(`(?i)^(licen[cs]e|copying|unlicen[cs]e|notice|copyright)([-._].*)?$`)

// beside matches licences of what is not compiled: documentation.
var beside = regexp.MustCompile(`(?i)\.docs?$`)

// listed is what `go list -json` tells of a package.
type listed struct {
	Dir    string
	Module *struct {
		Path, Version, Dir string
		Main               bool
		Replace            *struct{ Path, Version, Dir string }
	}
}

// compiled lists the modules that the program's packages come from, on all systems, sorted by path.
func compiled(ctx context.Context, program string) ([]module, error) {
	folders := map[[2]string]map[string]string{} // path and version → folder of each package → folder of the module
	for _, system := range []string{"linux", "darwin", "windows"} {
		for _, cgo := range []string{"0", "1"} {
			if err := collect(ctx, program, []string{"GOOS=" + system, "CGO_ENABLED=" + cgo}, folders); err != nil {
				return nil, err
			}
		}
	}
	modules := make([]module, 0, len(folders))
	for id, packages := range folders {
		files, err := licenseFiles(packages)
		if err != nil {
			return nil, fmt.Errorf("module %s: %w", id[0], err)
		}
		modules = append(modules, module{path: id[0], version: id[1], files: files})
	}
	slices.SortFunc(modules, func(a, b module) int { return cmp.Compare(a.path, b.path) })
	return modules, nil
}

// collect adds the folders of the packages that the program is made of on one system.
func collect(ctx context.Context, program string, system []string, folders map[[2]string]map[string]string) error {
	command := exec.CommandContext(ctx, "go", "list", "-deps", "-json=Dir,Module", program)
	command.Env = append(os.Environ(), system...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("list the packages of %s for %v: %w: %s", program, system, err, strings.TrimSpace(stderr.String()))
	}
	decoder := json.NewDecoder(&stdout)
	for {
		var p listed
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the list of packages: %w", err)
		}
		if p.Module == nil || p.Module.Main {
			continue
		}
		id, folder := [2]string{p.Module.Path, p.Module.Version}, p.Module.Dir
		if replace := p.Module.Replace; replace != nil {
			id, folder = [2]string{replace.Path, replace.Version}, replace.Dir
		}
		if folders[id] == nil {
			folders[id] = map[string]string{}
		}
		folders[id][p.Dir] = folder
	}
}

// licenseFiles reads the licences and notices that hold for packages: those in a package's folder and in each folder
// above it, up to the module's.
func licenseFiles(packages map[string]string) ([]file, error) {
	read := map[string]bool{}
	var files []file
	for folder, root := range packages {
		for ; strings.HasPrefix(folder, root) && !read[folder]; folder = filepath.Dir(folder) {
			read[folder] = true
			found, err := licensesIn(folder, root)
			if err != nil {
				return nil, err
			}
			files = append(files, found...)
		}
	}
	slices.SortFunc(files, func(a, b file) int { return cmp.Compare(a.name, b.name) })
	return files, nil
}

// licensesIn reads the licences and notices in one folder.
func licensesIn(folder, root string) ([]file, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var files []file
	for _, entry := range entries {
		if !entry.Type().IsRegular() || !isLicense(entry.Name()) {
			continue
		}
		path := filepath.Join(folder, entry.Name())
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return nil, err
		}
		files = append(files, file{name: filepath.ToSlash(name), text: string(text)})
	}
	return files, nil
}

// isLicense says whether a file of that name holds a licence or a notice for code.
func isLicense(name string) bool {
	return licenseName.MatchString(name) && !beside.MatchString(name) && filepath.Ext(name) != ".go"
}
