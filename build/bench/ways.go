package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// The ways of Plimsoll that others are compared with.
const (
	oursFirst   = "plimsoll, directories, first"
	oursAgain   = "plimsoll, directories, again"
	oursArchive = "plimsoll, archive, first"
)

// way is one way of looking at an image.
type way struct {
	name    string
	against string   // name of the way that it is compared with
	command []string // program and arguments
	env     []string // besides the environment of this process
	forget  []string // folders that are removed before each run
	warm    bool     // run once before it is measured
	result  string   // file that must hold something afterwards, "" when the exit status tells enough
	missing string   // why it cannot be measured, "" when it can
}

// ours are the ways of Plimsoll: first means with nothing known, again with the layers known from a run before.
func (b bench) ours(image, archive, work string) []way {
	again := b.our(oursAgain, work, "again", image, "--read", "directories")
	again.against, again.forget, again.warm = oursAgain, nil, true
	return []way{
		b.our(oursFirst, work, "first", image, "--read", "directories"),
		again,
		b.our("plimsoll, stream, first", work, "stream", image, "--read", "stream"),
		b.our(oursArchive, work, "archive", "--archive", archive),
	}
}

// our is one way of Plimsoll, with a data folder of its own.
func (b bench) our(name, work, id string, source ...string) way {
	data, result := filepath.Join(work, "data-"+id), filepath.Join(work, id+".json")
	command := append([]string{b.program, "scan", "image"}, source...)
	command = append(command, "--data", data, "--format", "json", "--output", result)
	if b.database != "" {
		command = append(command, "--vulndb", b.database)
	}
	return way{name: name, against: oursFirst, command: command, forget: []string{data, result}, result: result}
}

// peers are the other programs, those that are missing among them.
func (b bench) peers(ctx context.Context, image, archive, work string) []way {
	syft := way{
		name: "syft", against: oursFirst, command: []string{"syft", image, "-o", "json"},
		env: []string{"SYFT_CHECK_FOR_APP_UPDATE=false"},
	}
	syftArchive := syft
	syftArchive.name, syftArchive.against, syftArchive.command = "syft, archive", oursArchive, []string{"syft", "docker-archive:" + archive, "-o", "json"}
	grype := way{
		name: "grype", against: oursFirst, command: []string{"grype", image, "-o", "json"},
		env: []string{"GRYPE_DB_AUTO_UPDATE=false", "GRYPE_DB_VALIDATE_AGE=false", "GRYPE_CHECK_FOR_APP_UPDATE=false"},
	}
	grype.missing = missingGrypeDatabase(ctx)
	ways := append([]way{syft, syftArchive, grype}, b.trivy(image, archive, work)...)
	for i, w := range ways {
		if _, err := exec.LookPath(w.command[0]); err != nil {
			ways[i].missing = "not on PATH"
		}
	}
	return ways
}

func missingGrypeDatabase(ctx context.Context) string {
	if _, err := output(ctx, "grype", "db", "status"); err != nil {
		return "it has no database (`grype db update` gets one)"
	}
	return ""
}

// trivy is looked at with its cache of layers empty and filled, and at the archive, on one copy of the database. Java
// archives are left out: without a second database of its own it gives up at the first.
func (b bench) trivy(image, archive, work string) []way {
	caches := [2]string{filepath.Join(work, "trivy-first"), filepath.Join(work, "trivy-again")}
	layers := []string{filepath.Join(caches[0], "fanal")}
	common := []string{
		"trivy", "image", "--scanners", "vuln", "--skip-db-update", "--offline-scan", "--skip-java-db-update",
		"--skip-check-update", "--skip-version-check", "--disable-telemetry", "-q", "--format", "json",
		"--skip-files", "**/*.jar", "--cache-dir",
	}
	ways := []way{
		{name: "trivy, first", against: oursFirst, forget: layers, command: slices.Concat(common, []string{caches[0], image})},
		{name: "trivy, again", against: oursAgain, warm: true, command: slices.Concat(common, []string{caches[1], image})},
		{name: "trivy, archive, first", against: oursArchive, forget: layers, command: slices.Concat(common, []string{caches[0], "--input", archive})},
	}
	if err := b.copyDatabase(caches); err != nil {
		for i := range ways {
			ways[i].missing = err.Error()
		}
	}
	return ways
}

// copyDatabase puts a copy of the database into the first cache folder and a link to it into the second.
func (b bench) copyDatabase(caches [2]string) error {
	if b.database == "" {
		return fmt.Errorf("no database (VULNDB=FOLDER)")
	}
	folder := filepath.Join(caches[0], "db")
	if err := os.CopyFS(folder, os.DirFS(b.database)); err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	if err := os.MkdirAll(caches[1], 0o700); err != nil {
		return err
	}
	return os.Symlink(folder, filepath.Join(caches[1], "db"))
}
