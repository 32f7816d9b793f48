package identifier

// Area is one of the 14 Areas of the Crown Prosecution Service, as a slug such as london-north. It is always stated and
// never derived from a force: the Metropolitan and City forces belong to two Areas, and no Area owns the British
// Transport Police.
type Area string

// areas is in the order of slugs.
var areas = []named{
	{"cymru-wales", "Cymru-Wales"}, {"east-midlands", "East Midlands"}, {"east-of-england", "East of England"},
	{"london-north", "London North"}, {"london-south", "London South"}, {"mersey-cheshire", "Mersey-Cheshire"},
	{"north-east", "North East"}, {"north-west", "North West"}, {"south-east", "South East"}, {"south-west", "South West"},
	{"thames-and-chiltern", "Thames and Chiltern"}, {"wessex", "Wessex"}, {"west-midlands", "West Midlands"},
	{"yorkshire-and-humberside", "Yorkshire and Humberside"},
}

// ParseArea reads the slug of a known Area.
func ParseArea(s string) (Area, error) {
	if nameOf(areas, s) == "" {
		return "", invalid("CPS Area", "it must be one of the 14 Areas in lower case with hyphens, such as london-north")
	}
	return Area(s), nil
}

// Name is the Area's name in words, "" for an unknown slug.
func (a Area) Name() string { return nameOf(areas, string(a)) }

// Areas lists the 14 Areas in the order of their slugs.
func Areas() []Area { return codes[Area](areas) }
