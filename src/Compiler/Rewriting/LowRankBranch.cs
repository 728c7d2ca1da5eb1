using Lorq.Onnx;
using Lorq.Sites;

namespace Lorq.Rewriting;

/// <summary>
/// A low-rank pair that runs: <c>(x·A)·C</c> beside a node that multiplies by codes, or in place of the weight. Both factors are
/// constants once the chain is folded; the product A·C never exists.
/// </summary>
/// <param name="edit">The site's edit.</param>
/// <param name="factors">The pair.</param>
/// <param name="projection">The down-projection that the site shares with others; null for one of its own.</param>
internal sealed class LowRankBranch(SiteEdit edit, PlannedFactors factors, SharedProjection? projection)
{
    private readonly FactorTensors tensors = new(edit.Chain, edit.Site, factors, edit.Site.Weight.ElementType);

    /// <summary>The branch of a pair; null when there is none.</summary>
    public static LowRankBranch? Of(SiteEdit edit, PlannedFactors? factors, SharedProjection? projection) =>
        factors is null ? null : new LowRankBranch(edit, factors, projection);

    /// <summary>True when this reader can compute with the two factors instead of the weight.</summary>
    public static bool Runs(Site site, SiteUse use) =>
        use.Kind switch
        {
            SiteKind.MatMul => site.Groups == 1,
            SiteKind.Experts => !use.WeightOnLeft,
            SiteKind.Gemm => !use.WeightOnLeft && use.Use.Index == 1,
            SiteKind.Gather => use.Use.Index == 0
                && use.Layout == WeightLayout.NByK
                && Attributes.GetInt(use.Use.Node, "axis", 0) is 0 or -2,
            // A filter per group would need factors of its own.
            SiteKind.Conv => site.Groups == 1 && use.Layout == WeightLayout.NByK,
            _ => false,
        };

    /// <summary>The nodes that compute the reader's result from the base's nodes (the last of which writes it) and the pair.</summary>
    /// <param name="use">A MatMul with the weight on the right, a Gemm or a Gather.</param>
    /// <param name="baseNodes">They compute the reader's result from the codes, bias included.</param>
    public NodeProto[] Beside(SiteUse use, IEnumerable<NodeProto> baseNodes)
    {
        List<NodeProto> nodes = [.. baseNodes];
        NodeProto last = nodes[^1];
        string output = last.Output[0];
        last.Output[0] = edit.Chain.NewName();
        last.ClearName();
        last.ClearDocString();
        if (use.Kind == SiteKind.Gemm)
        {
            NodeProto sum = Node("Gemm", output, Projected(use, nodes), tensors.Right(), last.Output[0]);
            if (Attributes.Find(use.Use.Node, "alpha") is { } alpha)
            {
                sum.Attribute.Add(alpha.Clone());
            }
            nodes.Add(sum);
            return [.. nodes];
        }
        string product = edit.Chain.NewName();
        nodes.Add(
            use.Kind == SiteKind.Gather
                ? Node("MatMul", product, SmallRows(use, nodes), tensors.LeftTransposed())
                : Node("MatMul", product, Projected(use, nodes), tensors.Right())
        );
        nodes.Add(Node("Add", output, last.Output[0], product));
        return [.. nodes];
    }

    /// <summary>The nodes that compute the reader's result from the pair alone.</summary>
    public NodeProto[] Instead(SiteUse use)
    {
        var nodes = new List<NodeProto>();
        string output = use.Use.Node.Output[0];
        nodes.Add(
            use.Kind switch
            {
                SiteKind.Conv => Pointwise(use, FilteredInput(use, nodes)),
                SiteKind.Gather => Node("MatMul", output, SmallRows(use, nodes), tensors.LeftTransposed()),
                SiteKind.Gemm => GemmOf(use, Projected(use, nodes)),
                _ when use.WeightOnLeft => Node("MatMul", output, tensors.RightTransposed(), ProjectedFromLeft(use, nodes)),
                _ => Node("MatMul", output, Projected(use, nodes), tensors.Right()),
            }
        );
        return [.. nodes];
    }

    // x·A, computed here unless another reader of the same input does.
    private string Projected(SiteUse use, List<NodeProto> nodes)
    {
        if (projection is not null)
        {
            if (projection.IsComputedBy(use))
            {
                nodes.Insert(0, Node("MatMul", projection.Tensor, use.InputTensor, tensors.Left()));
            }
            return projection.Tensor;
        }
        string input = use.InputTensor;
        if (use.Kind == SiteKind.Gemm && Attributes.GetInt(use.Use.Node, "transA", 0) != 0)
        {
            NodeProto transpose = Node("Transpose", edit.Chain.NewName(), input);
            transpose.Attribute.Add(Attributes.Ints("perm", 1, 0));
            nodes.Add(transpose);
            input = transpose.Output[0];
        }
        return Append(nodes, "MatMul", input, tensors.Left());
    }

    private string ProjectedFromLeft(SiteUse use, List<NodeProto> nodes) =>
        Append(nodes, "MatMul", tensors.LeftTransposed(), use.InputTensor);

    private string SmallRows(SiteUse use, List<NodeProto> nodes) => Append(nodes, "Gather", tensors.RightTransposed(), use.InputTensor);

    // Keeps alpha, beta and the bias.
    private NodeProto GemmOf(SiteUse use, string input)
    {
        NodeProto gemm = use.Use.Node.Clone();
        gemm.Input[0] = input;
        gemm.Input[1] = tensors.Right();
        Attributes.Remove(gemm, "transA");
        Attributes.Remove(gemm, "transB");
        return gemm;
    }

    // The filter's window with r outputs: strides, pads and dilations stay here.
    private string FilteredInput(SiteUse use, List<NodeProto> nodes)
    {
        NodeProto conv = use.Use.Node.Clone();
        long[] window = [.. DecodedWeight.ConstantOf(use).Shape.Skip(1)];
        conv.Input.Clear();
        conv.Input.Add([use.InputTensor, tensors.LeftTransposed(window)]);
        conv.Output[0] = edit.Chain.NewName();
        conv.ClearName();
        conv.ClearDocString();
        nodes.Add(conv);
        return conv.Output[0];
    }

    private NodeProto Pointwise(SiteUse use, string input)
    {
        NodeProto conv = use.Use.Node;
        int spatial = DecodedWeight.ConstantOf(use).Shape.Count - 2;
        NodeProto result = Node("Conv", conv.Output[0], input, tensors.RightTransposed(spatial));
        result.Input.AddRange(conv.Input.Skip(2));
        return result;
    }

    private string Append(List<NodeProto> nodes, string operation, params ReadOnlySpan<string> inputs)
    {
        NodeProto node = Node(operation, edit.Chain.NewName(), inputs);
        nodes.Add(node);
        return node.Output[0];
    }

    private static NodeProto Node(string operation, string output, params ReadOnlySpan<string> inputs)
    {
        var node = new NodeProto { OpType = operation };
        foreach (string input in inputs)
        {
            node.Input.Add(input);
        }
        node.Output.Add(output);
        return node;
    }
}
