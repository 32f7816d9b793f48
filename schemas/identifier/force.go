package identifier

// Force is the two-digit code of a police force, from the standing data of the Ministry of Justice: the 43 territorial
// forces of England and Wales and the British Transport Police.
type Force string

type named struct{ code, name string }

// forces is in the order of codes.
var forces = []named{
	{"01", "Metropolitan Police Service"}, {"03", "Cumbria Constabulary"}, {"04", "Lancashire Constabulary"},
	{"05", "Merseyside Police"}, {"06", "Greater Manchester Police"}, {"07", "Cheshire Constabulary"},
	{"10", "Northumbria Police"}, {"11", "Durham Constabulary"}, {"12", "North Yorkshire Police"},
	{"13", "West Yorkshire Police"}, {"14", "South Yorkshire Police"}, {"16", "Humberside Police"},
	{"17", "Cleveland Police"}, {"20", "West Midlands Police"}, {"21", "Staffordshire Police"},
	{"22", "West Mercia Police"}, {"23", "Warwickshire Police"}, {"30", "Derbyshire Constabulary"},
	{"31", "Nottinghamshire Police"}, {"32", "Lincolnshire Police"}, {"33", "Leicestershire Police"},
	{"34", "Northamptonshire Police"}, {"35", "Cambridgeshire Constabulary"}, {"36", "Norfolk Constabulary"},
	{"37", "Suffolk Constabulary"}, {"40", "Bedfordshire Police"}, {"41", "Hertfordshire Constabulary"},
	{"42", "Essex Police"}, {"43", "Thames Valley Police"}, {"44", "Hampshire and Isle of Wight Constabulary"},
	{"45", "Surrey Police"}, {"46", "Kent Police"}, {"47", "Sussex Police"}, {"48", "City of London Police"},
	{"50", "Devon and Cornwall Police"}, {"52", "Avon and Somerset Police"}, {"53", "Gloucestershire Constabulary"},
	{"54", "Wiltshire Police"}, {"55", "Dorset Police"}, {"60", "North Wales Police"}, {"61", "Gwent Police"},
	{"62", "South Wales Police"}, {"63", "Dyfed-Powys Police"}, {"93", "British Transport Police"},
}

// ParseForce reads the code of a known force.
func ParseForce(s string) (Force, error) {
	if nameOf(forces, s) == "" {
		return "", invalid("police force", "it must be the two-digit code of a force in England and Wales, such as 01, or 93")
	}
	return Force(s), nil
}

// Name is the force's name in words, "" for an unknown code.
func (f Force) Name() string { return nameOf(forces, string(f)) }

// Forces lists all forces in the order of their codes.
func Forces() []Force { return codes[Force](forces) }

func nameOf(list []named, code string) string {
	for _, n := range list {
		if n.code == code {
			return n.name
		}
	}
	return ""
}

func codes[T ~string](list []named) []T {
	out := make([]T, len(list))
	for i, n := range list {
		out[i] = T(n.code)
	}
	return out
}
