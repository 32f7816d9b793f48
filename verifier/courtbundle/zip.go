package courtbundle

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
)

// The zip is written by hand, so that its bytes do not depend on the version of a library: sizes stand before each file,
// there is no compression, no comment, no time (1 January 1980), and Zip64 fields only where a number needs them.

// member is a file of a zip.
type member struct {
	name   string
	crc    uint32
	size   uint64
	offset uint64
}

const (
	dosDate  = 1<<5 | 1 // 1 January 1980
	max32    = 0xffffffff
	max16    = 0xffff
	plain    = 20
	extended = 45 // Zip64
)

// Zip writes the bag in dir as a zip with all files under <urn>/. It reads each file twice, since its CRC-32 stands before it.
func Zip(dir string, w io.Writer, urn string) error {
	bag, err := openFolder(dir)
	if err != nil {
		return err
	}
	defer bag.Close()
	out := &counter{w: w}
	var members []member
	for _, name := range bag.names() {
		m, err := measure(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			return fmt.Errorf("zip %s: %w", name, err)
		}
		m.name, m.offset = urn+"/"+name, out.n
		members = append(members, m)
		if _, err := out.Write(m.local()); err != nil {
			return fmt.Errorf("zip %s: %w", name, err)
		}
		if err := copyExactly(out, bag.files[name], m.size); err != nil {
			return fmt.Errorf("zip %s: %w", name, err)
		}
	}
	_, err = out.Write(directory(members, out.n))
	return err
}

// measure finds size and CRC-32 of a file.
func measure(path string) (member, error) {
	f, err := os.Open(path)
	if err != nil {
		return member{}, err
	}
	defer f.Close()
	h := crc32.NewIEEE()
	n, err := io.CopyBuffer(h, onlyReader{f}, make([]byte, 256<<10))
	return member{crc: h.Sum32(), size: uint64(n)}, err
}

func copyExactly(w io.Writer, f file, size uint64) error {
	r, err := f.open()
	if err != nil {
		return err
	}
	defer r.Close()
	n, err := io.CopyBuffer(w, onlyReader{r}, make([]byte, 256<<10))
	if err == nil && uint64(n) != size {
		return fmt.Errorf("the file changed while it was read")
	}
	return err
}

type counter struct {
	w io.Writer
	n uint64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += uint64(n)
	return n, err
}

// local is the header before a file (APPNOTE 4.3.7).
func (m member) local() []byte {
	b := binary.LittleEndian.AppendUint32(nil, 0x04034b50)
	big := m.size >= max32
	b = m.common(b, big, big)
	if !big {
		return append(append(b, 0, 0), m.name...)
	}
	b = binary.LittleEndian.AppendUint16(b, 20)
	b = append(b, m.name...)
	return zip64(b, m.size, m.size)
}

// common are the fields from "version needed" to the length of the name, which both headers share.
func (m member) common(b []byte, big, anyBig bool) []byte {
	version, size := versionFor(anyBig), uint32(max32)
	if !big {
		size = uint32(m.size)
	}
	le := binary.LittleEndian
	for _, v := range []uint16{version, 0, 0, 0, dosDate} {
		b = le.AppendUint16(b, v)
	}
	for _, v := range []uint32{m.crc, size, size} {
		b = le.AppendUint32(b, v)
	}
	return le.AppendUint16(b, uint16(len(m.name)))
}

func versionFor(big bool) uint16 {
	if big {
		return extended
	}
	return plain
}

// zip64 is the extra field with 64-bit numbers (APPNOTE 4.5.3).
func zip64(b []byte, values ...uint64) []byte {
	b = binary.LittleEndian.AppendUint16(b, 1)
	b = binary.LittleEndian.AppendUint16(b, uint16(8*len(values)))
	for _, v := range values {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return b
}

// central is the entry of a file in the directory (APPNOTE 4.3.12).
func (m member) central(b []byte) []byte {
	le := binary.LittleEndian
	var values []uint64
	if m.size >= max32 {
		values = append(values, m.size, m.size)
	}
	offset := uint32(max32)
	if m.offset >= max32 {
		values = append(values, m.offset)
	} else {
		offset = uint32(m.offset)
	}
	b = le.AppendUint32(b, 0x02014b50)
	b = le.AppendUint16(b, versionFor(len(values) > 0))
	b = m.common(b, m.size >= max32, len(values) > 0)
	extra := 0
	if len(values) > 0 {
		extra = 4 + 8*len(values)
	}
	for _, v := range []uint16{uint16(extra), 0, 0, 0, 0, 0} { // extra, comment, disk, internal, external (two halves)
		b = le.AppendUint16(b, v)
	}
	b = le.AppendUint32(b, offset)
	b = append(b, m.name...)
	if len(values) > 0 {
		b = zip64(b, values...)
	}
	return b
}

// directory is all that follows the files (APPNOTE 4.3.12 to 4.3.16); at is where it begins.
func directory(members []member, at uint64) []byte {
	var b []byte
	for _, m := range members {
		b = m.central(b)
	}
	le := binary.LittleEndian
	n, length := uint64(len(members)), uint64(len(b))
	if n >= max16 || length >= max32 || at >= max32 {
		end := at + length
		b = le.AppendUint32(b, 0x06064b50)
		b = le.AppendUint64(b, 44)
		b = le.AppendUint32(b, extended|extended<<16)
		b = le.AppendUint64(b, 0) // disks
		for _, v := range []uint64{n, n, length, at} {
			b = le.AppendUint64(b, v)
		}
		b = le.AppendUint32(b, 0x07064b50)
		b = le.AppendUint32(b, 0)
		b = le.AppendUint64(b, end)
		b = le.AppendUint32(b, 1)
	}
	b = le.AppendUint32(b, 0x06054b50)
	b = le.AppendUint32(b, 0) // disks
	for range 2 {
		b = le.AppendUint16(b, uint16(min(n, max16)))
	}
	b = le.AppendUint32(b, uint32(min(length, max32)))
	b = le.AppendUint32(b, uint32(min(at, max32)))
	return append(b, 0, 0)
}

// ourLayout says whether a zip has exactly the bytes, but for the files' contents, that Zip writes for its members.
func ourLayout(r io.ReaderAt, size int64, z *zip.Reader) bool {
	at := uint64(0)
	members := make([]member, len(z.File))
	for i, f := range z.File {
		m := member{name: f.Name, crc: f.CRC32, size: f.UncompressedSize64, offset: at}
		if i > 0 && m.name <= z.File[i-1].Name || f.Method != zip.Store || m.size > uint64(size) || !has(r, at, m.local()) {
			return false
		}
		at += uint64(len(m.local())) + m.size
		if at > uint64(size) {
			return false
		}
		members[i] = m
	}
	end := directory(members, at)
	return at+uint64(len(end)) == uint64(size) && has(r, at, end)
}

func has(r io.ReaderAt, at uint64, want []byte) bool {
	got := make([]byte, len(want))
	n, err := r.ReadAt(got, int64(at))
	return n == len(want) && (err == nil || err == io.EOF) && bytes.Equal(got, want)
}
