package casefile

import (
	"reflect"
	"testing"

	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// TestCloneSharesNoMap looks at every map and exhibit of a state, also at those that are added later: a clone that shared
// one would show uncommitted acts as committed.
func TestCloneSharesNoMap(t *testing.T) {
	s := New("case")
	s.add(&Exhibit{ID: "e"})
	s.exhibits["e"].served["firm-a"] = []service{{defendant: "d"}}
	c := s.Clone()
	sharesNone(t, "State", reflect.ValueOf(s).Elem(), reflect.ValueOf(c).Elem())
	sharesNone(t, "Exhibit", reflect.ValueOf(s.exhibits["e"]).Elem(), reflect.ValueOf(c.exhibits["e"]).Elem())
	c.exhibits["e"].served["firm-a"][0].defendant = "other"
	c.fold(&predicate.Event{Predicate: predicate.Predicate{Body: &predicate.CaseClosedV1{}}})
	if s.exhibits["e"].served["firm-a"][0].defendant != "d" || s.Closed || s.exhibits["e"] == c.exhibits["e"] {
		t.Fatal("a change of the clone changed the original")
	}
	if _, ok := c.exhibits["e"].ServedUndertaking(identifier.Org("firm-a")); !ok {
		t.Fatal("the clone lacks what the original has")
	}
}

func sharesNone(t *testing.T, what string, a, b reflect.Value) {
	t.Helper()
	for i := range a.NumField() {
		name := what + "." + a.Type().Field(i).Name
		switch a.Field(i).Kind() {
		case reflect.Map:
			if a.Field(i).Pointer() == b.Field(i).Pointer() {
				t.Errorf("%s is shared", name)
			}
		case reflect.Slice:
			if a.Field(i).Len() > 0 && a.Field(i).Pointer() == b.Field(i).Pointer() {
				t.Errorf("%s is shared", name)
			}
		}
	}
}
