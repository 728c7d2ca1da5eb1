namespace Lorq.Generators.Naming;

/// <summary>How an ONNX element type is written in C#.</summary>
internal static class ElementTypes
{
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
