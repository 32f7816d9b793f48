package schemas

import (
	"reflect"
	"slices"
	"strconv"

	"github.com/caseledger/caseledger/schemas/predicate"
)

// check examines one Go value, nil if it is right. A right value costs no allocation.
type check func(v reflect.Value) *failure

// failure is a broken rule; path runs from the value outwards.
type failure struct {
	rule string
	path []string
}

func (f *failure) at(name string) *failure {
	f.path = append(f.path, name)
	return f
}

func (f *failure) pointer() string {
	path := slices.Clone(f.path)
	slices.Reverse(path)
	return pointerOf(path)
}

func broke(rule string) *failure { return &failure{rule: rule} }

// bodyTypes are the Go types that the body of a kind may have: its struct and a pointer to it.
type bodyTypes struct{ value, pointer reflect.Type }

func bodyTypesOf(t predicate.Type) bodyTypes {
	pointer := reflect.TypeOf(t.New())
	return bodyTypes{value: pointer.Elem(), pointer: pointer}
}

func (b bodyTypes) include(body predicate.Body) bool {
	t := reflect.TypeOf(body)
	return t != nil && (t == b.pointer || t == b.value)
}

func valueOf(p *predicate.Predicate) reflect.Value { return reflect.ValueOf(p).Elem() }

func checkPointer(elem check) check {
	return func(v reflect.Value) *failure {
		if v.IsNil() {
			return broke(ruleType)
		}
		return elem(v.Elem())
	}
}

// checkBody opens the body, a struct or a pointer to one.
func checkBody(elem check) check {
	return func(v reflect.Value) *failure {
		v = v.Elem()
		if v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		if !v.IsValid() {
			return broke(ruleType)
		}
		return elem(v)
	}
}

// checkTime needs the year only: a predicate.Time always has the one text form.
func checkTime(v reflect.Value) *failure {
	var t predicate.Time
	if v.CanAddr() {
		t = *v.Addr().Interface().(*predicate.Time)
	} else {
		t = v.Interface().(predicate.Time)
	}
	if !inTime(t.Std()) {
		return broke(rulePattern)
	}
	return nil
}

func checkEnum(values []string) check {
	return func(v reflect.Value) *failure {
		if !slices.Contains(values, v.String()) {
			return broke(ruleEnum)
		}
		return nil
	}
}

func checkText(match func(string) bool) check {
	return func(v reflect.Value) *failure {
		if !match(v.String()) {
			return broke(rulePattern)
		}
		return nil
	}
}

func checkShort(longest int, match func(string) bool) check {
	return func(v reflect.Value) *failure {
		switch s := v.String(); {
		case len(s) > longest: // bytes: no pattern allows a character of more than one
			return broke(ruleMaxLength)
		case !match(s):
			return broke(rulePattern)
		}
		return nil
	}
}

func checkInteger(least, greatest int64) check {
	return func(v reflect.Value) *failure {
		switch n := v.Int(); {
		case n < least:
			return broke(ruleMinimum)
		case n > greatest:
			return broke(ruleMaximum)
		}
		return nil
	}
}

func checkList(elem check, least, most int) check {
	return func(v reflect.Value) *failure {
		n := v.Len()
		switch {
		case n < least:
			return broke(ruleMinItems)
		case n > most:
			return broke(ruleMaxItems)
		}
		for i := range n {
			if f := elem(v.Index(i)); f != nil {
				return f.at(strconv.Itoa(i))
			}
		}
		return nil
	}
}

// property is a member of a struct with what the schema says of it.
type property struct {
	member
	check    check
	allowed  bool
	required bool
}

func checkObject(properties []property) check {
	return func(v reflect.Value) *failure {
		for i := range properties {
			p := &properties[i]
			value := v.FieldByIndex(p.index)
			if p.omit && isEmpty(value) {
				if p.required {
					return broke(ruleRequired)
				}
				continue
			}
			if !p.allowed {
				return broke(ruleAdditional)
			}
			if f := p.check(value); f != nil {
				return f.at(p.name)
			}
		}
		return nil
	}
}

// isEmpty is encoding/json's meaning of omitempty.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	default:
		return v.IsZero()
	}
}
