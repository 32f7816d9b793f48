// Package caseledger holds the tests of the whole tree; the programs are under cmd/, the packages in schemas, verifier, projections, ledger and api.
package caseledger
