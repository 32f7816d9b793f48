package ledger

// LimitCases makes the ledger keep at most n folded cases in memory.
func (l *Ledger) LimitCases(n int) {
	l.cases.mu.Lock()
	defer l.cases.mu.Unlock()
	l.cases.max = n
}

// CasesInMemory is how many folded cases there are.
func (l *Ledger) CasesInMemory() int {
	l.cases.mu.Lock()
	defer l.cases.mu.Unlock()
	return len(l.cases.m)
}
