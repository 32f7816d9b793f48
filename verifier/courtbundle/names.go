package courtbundle

import (
	"strings"

	"github.com/caseledger/caseledger/projections"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// extensions of the media types that evidence commonly has; others are .bin.
var extensions = map[predicate.MediaType]string{
	"application/msword": ".doc", "application/pdf": ".pdf", "application/rtf": ".rtf", "application/vnd.ms-excel": ".xls",
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":       ".xlsx",
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
	"application/zip": ".zip", "audio/mp4": ".m4a", "audio/mpeg": ".mp3", "audio/wav": ".wav", "audio/x-wav": ".wav",
	"image/gif": ".gif", "image/heic": ".heic", "image/jpeg": ".jpg", "image/png": ".png", "image/tiff": ".tif",
	"image/webp": ".webp", "message/rfc822": ".eml", "text/csv": ".csv", "text/html": ".html", "text/plain": ".txt",
	"text/rtf": ".rtf", "video/avi": ".avi", "video/mp4": ".mp4", "video/mpeg": ".mpg", "video/quicktime": ".mov",
	"video/webm": ".webm", "video/x-matroska": ".mkv", "video/x-msvideo": ".avi",
}

// item is an exhibit as its bag can show it.
type item struct {
	id   predicate.UUID
	ref  identifier.ExhibitRef
	name string // from the bag's root
	// digests are the contents that events of the bag say the exhibit has: one, unless events contradict each other.
	digests map[predicate.Hex32]bool
	erased  bool
}

// items lists the exhibits that the events of a bag name, with their file names: the reference with - for /, then the id
// where two exhibits have references that a file system might take for one, then an extension.
func items(r projections.Report) []item {
	stems := map[string]int{}
	for _, x := range r.Exhibits {
		stems[strings.ToLower(x.Ref.FileStem())]++
	}
	var out []item
	for _, x := range r.Exhibits {
		i := item{id: x.ID, ref: x.Ref, digests: map[predicate.Hex32]bool{}, erased: x.Erased != nil}
		extension := ".bin"
		if x.Content != nil {
			i.digests[x.Content.SHA256] = true
			if e, ok := extensions[x.Content.MediaType]; ok {
				extension = e
			}
		}
		for _, line := range x.Custody {
			if line.Item != nil && line.Item.Exhibit == x.ID && line.Item.SHA256 != "" {
				i.digests[line.Item.SHA256] = true
			}
		}
		stem := x.Ref.FileStem()
		switch {
		case stem == "":
			stem = string(x.ID)
		case stems[strings.ToLower(stem)] > 1:
			stem += "-" + string(x.ID)
		}
		i.name = evidenceFolder + stem + extension
		out = append(out, i)
	}
	return out
}
