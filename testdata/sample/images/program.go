package images

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"plimsoll/scanners"
)

// program is a Go program: what its build information tells.
type program struct {
	path      string // in the image
	goVersion string // without "go"
	main      goModule
	deps      []goModule
}

// goModule is a module and its version, with the leading v.
type goModule struct{ path, version string }

func (p program) facts() []Package {
	modules := append([]goModule{{"stdlib", "v" + p.goVersion}, p.main}, p.deps...)
	var facts []Package
	for _, m := range modules {
		facts = append(facts, Package{Ecosystem: scanners.EcosystemGolang, Name: m.path, Version: m.version, Path: p.path})
	}
	return facts
}

func (p program) files(arch string) tree {
	return tree{p.path: node{data: p.elf(arch), executable: true}}
}

// Sizes and places of the ELF file, in bytes.
const (
	elfHeader   = 64
	elfProgram  = 56
	elfSection  = 64
	elfData     = 0x1000   // offset of the data, on a page of its own
	elfAddress  = 0x400000 // where the file is mapped to
	elfDataSize = 96 << 10 // Go's linker makes no smaller program
)

// elf is a little-endian ELF64 file without code: a writable segment that holds the section .go.buildinfo, where
// debug/buildinfo looks, and zeros.
func (p program) elf(arch string) []byte {
	info := p.buildInfo(arch)
	names := "\x00.go.buildinfo\x00.shstrtab\x00"
	machine := elf.EM_X86_64
	if arch == "arm64" {
		machine = elf.EM_AARCH64
	}
	namesAt := uint64(elfData + elfDataSize)
	sectionsAt := namesAt + 32 // the names are shorter
	var out bytes.Buffer
	write := func(parts ...any) {
		for _, part := range parts {
			_ = binary.Write(&out, binary.LittleEndian, part) // a buffer takes everything of fixed size
		}
	}
	write(elf.Header64{
		Ident:   [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:    uint16(elf.ET_EXEC),
		Machine: uint16(machine), Version: uint32(elf.EV_CURRENT), Entry: elfAddress + elfData,
		Phoff: elfHeader, Shoff: sectionsAt, Ehsize: elfHeader, Phentsize: elfProgram, Phnum: 1,
		Shentsize: elfSection, Shnum: 3, Shstrndx: 2,
	}, elf.Prog64{
		Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_W), Off: elfData, Vaddr: elfAddress + elfData,
		Paddr: elfAddress + elfData, Filesz: elfDataSize, Memsz: elfDataSize, Align: elfData,
	})
	pad(&out, elfData)
	write(info)
	pad(&out, int(namesAt))
	write([]byte(names))
	pad(&out, int(sectionsAt))
	write(elf.Section64{}, elf.Section64{
		Name: 1, Type: uint32(elf.SHT_PROGBITS), Flags: uint64(elf.SHF_WRITE | elf.SHF_ALLOC),
		Addr: elfAddress + elfData, Off: elfData, Size: uint64(len(info)), Addralign: 16,
	}, elf.Section64{
		Name: uint32(strings.Index(names, ".shstrtab")), Type: uint32(elf.SHT_STRTAB), Off: namesAt,
		Size: uint64(len(names)), Addralign: 1,
	})
	return out.Bytes()
}

func pad(b *bytes.Buffer, size int) { b.Write(make([]byte, size-b.Len())) }

// buildInfo is the block that Go's linker writes since Go 1.18 (debug/buildinfo in the standard library): a header of 32
// bytes, then version and module list with their lengths in front.
func (p program) buildInfo(arch string) []byte {
	const inlineStrings = 2
	block := []byte("\xff Go buildinf:\x08")
	block = append(block, inlineStrings)
	block = append(block, make([]byte, 16)...)
	for _, s := range []string{"go" + p.goVersion, p.moduleList(arch)} {
		block = binary.AppendUvarint(block, uint64(len(s)))
		block = append(block, s...)
	}
	return block
}

// moduleList is the text that "go version -m" shows, between the marks that the go command puts around it.
func (p program) moduleList(arch string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "path\t%s\nmod\t%s\t%s\t\n", p.main.path, p.main.path, p.main.version)
	for _, d := range p.deps {
		fmt.Fprintf(&b, "dep\t%s\t%s\t\n", d.path, d.version)
	}
	fmt.Fprintf(&b, "build\t-compiler=gc\nbuild\tCGO_ENABLED=0\nbuild\tGOARCH=%s\nbuild\tGOOS=linux\n", arch)
	return mark("3077af0c9274080241e1c107e6d618e6") + b.String() + mark("f932433186182072008242104116d8f2")
}

func mark(digits string) string {
	raw, err := hex.DecodeString(digits)
	if err != nil {
		panic(err) // the digits are constants
	}
	return string(raw)
}
