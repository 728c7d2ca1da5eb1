using Lorq.Models;
using Lorq.Onnx;

namespace Lorq.Rewriting.Fused;

/// <summary>The function bodies that a model carries for the operators it uses, and the import they need.</summary>
/// <remarks>
/// A runtime that does not know <c>overload</c> keeps one function per name, the last, and would run a wrong body. So the last one has no overload and
/// calls an operator that does not exist: such a runtime refuses the model, and every other never looks at it.
/// </remarks>
internal sealed class OperatorFunctions
{
    /// <summary>The format version that has <c>overload</c>.</summary>
    public const int RequiredFormat = 10;

    private const string GuardDomain = "ai.lorq.needs";
    private const string GuardOperator = "FunctionOverloads";

    private OperatorFunctions(IReadOnlyList<FunctionProto> functions) => Functions = functions;

    /// <summary>The functions to add to the model; empty when no operator is used.</summary>
    public IReadOnlyList<FunctionProto> Functions { get; }

    /// <summary>The import that the nodes need.</summary>
    public static OperatorSetIdProto Import { get; } = new() { Domain = OperatorVariant.Domain, Version = OperatorVariant.Version };

    /// <summary>The import that the functions without overload need.</summary>
    public static OperatorSetIdProto GuardImport { get; } = new() { Domain = GuardDomain, Version = 1 };

    /// <summary>True when the model can hold the operators: no function or import of that domain is there, and the format version can be raised.</summary>
    public static bool Allows(OnnxModel model) =>
        model.Opset(OperatorVariant.Domain) == 0
        && model.Opset(GuardDomain) == 0
        && model.Proto.Functions.All(f => f.Domain != OperatorVariant.Domain)
        && FormatVersion.CanBeRaised(model.Proto);

    /// <summary>The functions for these variants.</summary>
    public static OperatorFunctions For(IEnumerable<OperatorVariant> variants)
    {
        OperatorVariant[] distinct = [.. variants.Distinct()];
        return new([.. distinct.Select(OperatorBodies.Of), .. distinct.Select(v => v.Operator).Distinct().Select(Guard)]);
    }

    /// <summary>Bytes of functions and imports in the file.</summary>
    public long SerializedBytes => Functions.Count == 0 ? 0 : Functions.Sum(BytesOf) + ImportBytes;

    /// <summary>Bytes of one body.</summary>
    public static long BodyBytes(OperatorVariant variant) => BytesOf(OperatorBodies.Of(variant));

    /// <summary>Bytes of what a model with any operator has once, whatever the variants.</summary>
    public static long FixedBytes => ImportBytes + BytesOf(Guard(OperatorVariant.LowRankQMatMul)) + BytesOf(Guard(OperatorVariant.QGather));

    private static long ImportBytes => WireSize.Field(Import.CalculateSize()) + WireSize.Field(GuardImport.CalculateSize());

    // Field 25 of ModelProto has a tag of two bytes.
    private static long BytesOf(FunctionProto function) => 1 + WireSize.Field(function.CalculateSize());

    private static FunctionProto Guard(string operation)
    {
        var function = new FunctionProto { Name = operation, Domain = OperatorVariant.Domain };
        var node = new NodeProto { OpType = GuardOperator, Domain = GuardDomain };
        node.Input.Add("x");
        node.Output.Add("y");
        function.Input.Add("x");
        function.Output.Add("y");
        function.Node.Add(node);
        function.OpsetImport.Add(GuardImport.Clone());
        return function;
    }
}
