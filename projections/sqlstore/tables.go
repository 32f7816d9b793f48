package sqlstore

// foldVersion is raised when the same events give other rows: an older file is then emptied and filled again.
const foldVersion = 1

// table describes one table to the code that goes over all of them.
type table struct {
	name    string
	columns string // all of them, for the digest
	key     string // in which order
}

// tables are all that the journal fills.
var tables = []table{
	{"word", "no, text, revision", "no"},
	{"entry", "revision, owner, before, kind, chain, sequence, actor, exhibit", "revision"},
	{"owner", "no, revision", "no"},
	{"event_id", "id, revision", "id"},
	{"urn", "key, owner, revision", "key, owner"},
	{"cases", "owner, state, revision", "owner"},
	{"exhibits", "owner, no, id, state, revision", "owner, no"},
	{"people", "owner, no, id, state, revision", "owner, no"},
	{"grants", "owner, no, id, state, revision", "owner, no"},
	{"participant", "org, owner, revision, defendant", "org, owner, revision"},
}
