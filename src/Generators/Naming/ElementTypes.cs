namespace Lorq.Generators.Naming;

/// <summary>How an ONNX element type is written in C#.</summary>
internal static class ElementTypes
{
    private static readonly HashSet<string> without = new(StringComparer.Ordinal)
    {
        "undefined",
        "complex64",
        "complex128",
        "float8e4m3fn",
        "float8e4m3fnuz",
        "float8e5m2",
        "float8e5m2fnuz",
        "float8e8m0",
        "float4e2m1",
        "int4",
        "uint4",
        "int2",
        "uint2",
    };

    /// <summary>True for what ONNX calls its element types, in lower case; <c>undefined</c> is that of sequences and maps.</summary>
    public static bool IsKnown(string onnx) => Of(onnx) is not null || without.Contains(onnx);

    /// <summary>Namespace and name of the C# type; the namespace is null for keywords. Null: there is none, and the value is ONNX Runtime's own.</summary>
    /// <param name="onnx">The element type in lower case.</param>
    public static (string? Namespace, string Name)? Of(string onnx) =>
        onnx switch
        {
            "float" => (null, "float"),
            "double" => (null, "double"),
            "int8" => (null, "sbyte"),
            "int16" => (null, "short"),
            "int32" => (null, "int"),
            "int64" => (null, "long"),
            "uint8" => (null, "byte"),
            "uint16" => (null, "ushort"),
            "uint32" => (null, "uint"),
            "uint64" => (null, "ulong"),
            "bool" => (null, "bool"),
            "string" => (null, "string"),
            "float16" => ("System", "Half"),
            "bfloat16" => ("Microsoft.ML.OnnxRuntime", "BFloat16"),
            _ => null,
        };
}
