package canonical

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Unmarshal decodes canonical JSON into v, a non-nil pointer, and refuses bytes that differ from what Marshal makes of the
// decoded value. That covers what encoding/json forgives: unknown, missing and repeated members, names that match only
// when case is ignored, order, white space, other escapes, invalid UTF-8, slack in base64. Into an interface it decodes
// objects as map[string]any, arrays as []any and integers as json.Number. The error is ErrNotCanonical with the offset of
// the first byte that differs, ErrDecode or ErrLimit, and repeats no content. After an error v may be partly filled.
func Unmarshal(data []byte, v any) error {
	if len(data) > MaxSize {
		return fmt.Errorf("%w: the text is longer than %d bytes", ErrLimit, MaxSize)
	}
	if err := check(data, 0); err != nil {
		return err
	}
	if err := decode(data, v); err != nil {
		return err
	}
	different := -1
	err := scratch(v, func(again []byte) {
		if !bytes.Equal(again, data) {
			different = firstDifference(again, data)
		}
	})
	if err != nil {
		return fmt.Errorf("encode again what was decoded: %w", err)
	}
	if different >= 0 {
		return fmt.Errorf("%w: byte %d: a member is unknown or missing, or a value is not written as its type writes it",
			ErrNotCanonical, different)
	}
	return nil
}

func firstDifference(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// decode reads data, already checked, with encoding/json; its errors are replaced because they may quote content.
func decode(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	err := d.Decode(v)
	if err == nil {
		return nil
	}
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		return fmt.Errorf("%w: before byte %d: wanted a %v", ErrDecode, wrongType.Offset, wrongType.Type)
	}
	var wrongTarget *json.InvalidUnmarshalError
	if errors.As(err, &wrongTarget) {
		return fmt.Errorf("%w: %w", ErrDecode, wrongTarget)
	}
	return fmt.Errorf("%w: a value was refused by %T", ErrDecode, v)
}
