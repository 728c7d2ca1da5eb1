using System.Text;
using Google.Protobuf;
using Lorq.Models;
using Lorq.Onnx;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Rewriting;

/// <summary>
/// Writes a decoding chain that many weights share once, as a model-local function, and a single call per weight. ONNX Runtime
/// inlines functions before it folds constants, so the loaded graph is the same; a chain of eight nodes takes about 350 bytes, a call
/// about 50.
/// </summary>
internal sealed class ChainOutliner
{
    /// <summary>Functions came with this format version.</summary>
    public const int RequiredFormat = 8;

    private readonly string domain;
    private readonly Dictionary<SiteEdit, NodeProto> calls = new(ReferenceEqualityComparer.Instance);
    private readonly List<FunctionProto> functions = [];

    private ChainOutliner(string domain) => this.domain = domain;

    /// <summary>The functions to add to the model, in order of first call.</summary>
    public IReadOnlyList<FunctionProto> Functions => functions;

    /// <summary>The import that the calls need.</summary>
    public OperatorSetIdProto Import => new() { Domain = domain, Version = 1 };

    /// <summary>Bytes of functions and import in the file.</summary>
    public long SerializedBytes => functions.Count == 0 ? 0 : functions.Sum(FunctionBytes) + WireSize.Field(Import.CalculateSize());

    /// <summary>What stands for an edit's chain: its nodes, or one call.</summary>
    public IReadOnlyList<NodeProto> Chain(SiteEdit edit) => calls.TryGetValue(edit, out NodeProto? call) ? [call] : edit.Chain.Nodes;

    /// <summary>Leaves every chain where it is.</summary>
    public static ChainOutliner None { get; } = new("");

    /// <summary>Outlines every chain whose calls and function together take fewer bytes than its copies.</summary>
    /// <param name="model">The model, for names that are taken.</param>
    /// <param name="edits">The edits, in order.</param>
    /// <param name="shared">The shared constants per scope, to be found by name.</param>
    public static ChainOutliner Outline(
        OnnxModel model,
        IReadOnlyList<SiteEdit> edits,
        IReadOnlyDictionary<GraphScope, SharedConstants> shared
    )
    {
        var outliner = new ChainOutliner(FreeDomain(model));
        var groups = new Dictionary<string, List<(SiteEdit Edit, ChainShape Shape)>>();
        foreach (SiteEdit edit in edits)
        {
            if (edit.RedefinesOrigin || edit.Site.Weight.OriginScope.Function is not null || edit.Chain.Nodes.Count < 2)
            {
                continue;
            }
            var shape = ChainShape.Of(edit, shared[edit.Site.Weight.OriginScope]);
            if (!groups.TryGetValue(shape.Signature, out var group))
            {
                group = [];
                groups.Add(shape.Signature, group);
            }
            group.Add((edit, shape));
        }
        foreach (var group in groups.Values)
        {
            outliner.OutlineIfSmaller(group);
        }
        return outliner;
    }

    private void OutlineIfSmaller(List<(SiteEdit Edit, ChainShape Shape)> group)
    {
        string name = Name(functions.Count);
        FunctionProto function = group[0].Shape.ToFunction(domain, name, group[0].Edit.Chain);
        var made = group.Select(g => (g.Edit, Call: g.Shape.ToCall(domain, name))).ToList();
        long saved = made.Sum(m => m.Edit.Chain.Nodes.Sum(Bytes) - Bytes(m.Call));
        long import = functions.Count == 0 ? WireSize.Field(Import.CalculateSize()) : 0;
        if (saved <= FunctionBytes(function) + import)
        {
            return;
        }
        functions.Add(function);
        foreach ((SiteEdit edit, NodeProto call) in made)
        {
            calls.Add(edit, call);
        }
    }

    private static long Bytes(NodeProto node) => WireSize.Field(node.CalculateSize());

    // Field 25 of ModelProto has a tag of two bytes.
    private static long FunctionBytes(FunctionProto function) => 1 + WireSize.Field(function.CalculateSize());

    private static string Name(int index) => index < 26 ? ((char)('a' + index)).ToString() : $"f{index}";

    private static string FreeDomain(OnnxModel model)
    {
        string domain = "lorq";
        for (int i = 1; IsTaken(model, domain); i++)
        {
            domain = $"lorq{i}";
        }
        return domain;
    }

    private static bool IsTaken(OnnxModel model, string domain) =>
        model.Opset(domain) > 0 || model.Proto.Functions.Any(f => f.Domain == domain);

    /// <summary>A chain as a function of the tensors that differ from site to site.</summary>
    /// <param name="Signature">Equal for chains that one function can stand for.</param>
    /// <param name="Inputs">Stored tensors and shapes, in order of first use.</param>
    /// <param name="Outputs">Tensors that the site's readers read.</param>
    /// <param name="Constants">Masks, shifts and factors that become part of the function.</param>
    private sealed record ChainShape(
        string Signature,
        IReadOnlyList<string> Inputs,
        IReadOnlyList<string> Outputs,
        IReadOnlyList<StoredTensor> Constants
    )
    {
        public static ChainShape Of(SiteEdit edit, SharedConstants shared)
        {
            var inputs = new List<string>();
            var constants = new List<StoredTensor>();
            var local = new Dictionary<string, string> { [""] = "" };
            var signature = new StringBuilder();
            foreach (NodeProto node in edit.Chain.Nodes)
            {
                signature.Append(node.OpType).Append('(');
                foreach (string input in node.Input)
                {
                    if (!local.TryGetValue(input, out string? reference))
                    {
                        reference = Outside(input);
                        local.Add(input, reference);
                    }
                    signature.Append(reference).Append(',');
                }
                foreach (AttributeProto attribute in node.Attribute)
                {
                    signature.Append(attribute.ToByteString().ToBase64()).Append(',');
                }
                local.Add(node.Output[0], $"v{local.Count}");
                signature.Append(')').Append(local[node.Output[0]]);
            }
            var read = edit.Readers.SelectMany(n => n.Input).ToHashSet();
            var outputs = edit.Chain.Nodes.Select(n => n.Output[0]).Where(read.Contains).ToList();
            signature.Append("->").AppendJoin(',', outputs.Select(o => local[o]));
            return new ChainShape(signature.ToString(), inputs, outputs, constants);

            string Outside(string name)
            {
                StoredTensor? constant = shared.Find(name);
                if (constant is null || (DataType)constant.Header.DataType is DataType.Int64 or DataType.Int32)
                {
                    inputs.Add(name);
                    return $"i{inputs.Count}";
                }
                constants.Add(constant);
                return $"k{constant.Header.DataType}[{string.Join(',', constant.Header.Dims)}]{System.Convert.ToHexString(constant.Payload())}";
            }
        }

        public NodeProto ToCall(string domain, string name)
        {
            var call = new NodeProto { OpType = name, Domain = domain };
            call.Input.AddRange(Inputs);
            call.Output.AddRange(Outputs);
            return call;
        }

        public FunctionProto ToFunction(string domain, string name, ChainBuilder chain)
        {
            var renamed = new Dictionary<string, string> { [""] = "" };
            var function = new FunctionProto { Name = name, Domain = domain };
            function.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = chain.Opset });
            function.Input.AddRange(Inputs.Select(Rename));
            foreach (StoredTensor constant in Constants)
            {
                var value = new TensorProto { DataType = constant.Header.DataType, RawData = ByteString.CopyFrom(constant.Payload()) };
                value.Dims.AddRange(constant.Header.Dims);
                var node = new NodeProto { OpType = "Constant" };
                node.Output.Add(Rename(constant.Header.Name));
                node.Attribute.Add(Attributes.Tensor("value", value));
                function.Node.Add(node);
            }
            foreach (NodeProto node in chain.Nodes)
            {
                NodeProto inner = node.Clone();
                for (int i = 0; i < inner.Input.Count; i++)
                {
                    inner.Input[i] = renamed[inner.Input[i]];
                }
                inner.Output[0] = Rename(inner.Output[0]);
                function.Node.Add(inner);
            }
            function.Output.AddRange(Outputs.Select(o => renamed[o]));
            return function;

            string Rename(string tensor)
            {
                string local = Name(renamed.Count - 1);
                renamed.Add(tensor, local);
                return local;
            }
        }
    }
}
