using Lorq.Calibration;
using Lorq.Diagnostics;
using Lorq.Onnx;

namespace Lorq.Checks;

/// <summary>Makes sure that two models can be fed the same data and compared output by output.</summary>
internal static class SignatureCheck
{
    /// <summary>Passes, or names the first difference.</summary>
    /// <param name="pathA">The first model's path.</param>
    /// <param name="a">The first model.</param>
    /// <param name="pathB">The second model's path.</param>
    /// <param name="b">The second model.</param>
    /// <exception cref="LorqException">LORQ0804 for inputs, LORQ0805 for outputs.</exception>
    public static void Check(string pathA, ModelRunner a, string pathB, ModelRunner b)
    {
        if (Difference("input", a.Inputs, b.Inputs, (x, y) => x == y) is string inputs)
        {
            throw Catalogue.ComparedInputsDiffer.With(pathA, pathB, inputs);
        }
        if (Difference("output", a.Outputs, b.Outputs, (x, y) => x == y || (IsFloat(x) && IsFloat(y))) is string outputs)
        {
            throw Catalogue.ComparedOutputsDiffer.With(pathA, pathB, outputs);
        }
    }

    /// <summary>The first difference in words; null when there is none. The order may differ.</summary>
    private static string? Difference(
        string what,
        IReadOnlyList<TensorSignature> a,
        IReadOnlyList<TensorSignature> b,
        Func<TensorProto.Types.DataType, TensorProto.Types.DataType, bool> sameType
    )
    {
        foreach (TensorSignature x in a)
        {
            TensorSignature? y = b.FirstOrDefault(s => s.Name == x.Name);
            if (y is null)
            {
                return $"the {what} '{x.Name}' is only in the first (the second has {Names(b)}).";
            }
            if (!sameType(x.ElementType, y.ElementType))
            {
                return $"the {what} '{x.Name}' is {Type(x)} in the first and {Type(y)} in the second.";
            }
            bool sameShape =
                x.Shape.Length == y.Shape.Length && x.Shape.Zip(y.Shape).All(d => d.First < 0 || d.Second < 0 || d.First == d.Second);
            if (!sameShape)
            {
                return $"the {what} '{x.Name}' has the shape {Shape(x)} in the first and {Shape(y)} in the second.";
            }
        }
        TensorSignature? extra = b.FirstOrDefault(y => a.All(x => x.Name != y.Name));
        return extra is null ? null : $"the {what} '{extra.Name}' is only in the second (the first has {Names(a)}).";
    }

    private static bool IsFloat(TensorProto.Types.DataType type) =>
        type
            is TensorProto.Types.DataType.Float
                or TensorProto.Types.DataType.Float16
                or TensorProto.Types.DataType.Bfloat16
                or TensorProto.Types.DataType.Double;

    private static string Names(IReadOnlyList<TensorSignature> all) =>
        all.Count == 0 ? "none" : string.Join(", ", all.Select(s => $"'{s.Name}'"));

    private static string Type(TensorSignature s) => s.ElementType.ToString().ToLowerInvariant();

    private static string Shape(TensorSignature s) =>
        "["
        + string.Join(
            ", ",
            s.Shape.Select(
                (d, i) =>
                    d >= 0 ? $"{d}"
                    : s.DimensionNames[i].Length > 0 ? s.DimensionNames[i]
                    : "?"
            )
        )
        + "]";
}
