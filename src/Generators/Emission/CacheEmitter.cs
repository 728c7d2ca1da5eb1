using Lorq.Generators.Naming;

namespace Lorq.Generators.Emission;

/// <summary>Writes the steps of a decoder: the first input with empty caches, and the next one with those of an output.</summary>
internal sealed class CacheEmitter(Wrapper w, TypeNames names, CodeWriter code)
{
    private readonly IReadOnlyDictionary<string, string> pairs = CachePairs.Of(w.Signature);
    private readonly IReadOnlyList<Port> inputs = Port.Inputs(w);
    private readonly IReadOnlyList<Port> outputs = Port.Outputs(w);

    private bool lengthIsUsed;

    private IEnumerable<Port> Given => inputs.Where(i => !pairs.ContainsKey(i.Tensor.Name));

    /// <summary>Writes the first step, a member of the input record.</summary>
    public void Start()
    {
        if (pairs.Count == 0)
        {
            return;
        }
        code.Line().Line("/// <summary>The input of a first step: caches are empty, or zero where the model fixes their length.</summary>");
        Parameters();
        code.Line($"/// <exception cref=\"{names["InvalidTensorException"]}\">A tensor is missing or has too few dimensions.</exception>");
        code.Open($"public static {w.Input} Start({Signature()}) => new {w.Input}");
        Assignments(past =>
            $"{names["Tensor"]}.CreateFromShape<{past.Element(names)}>(new nint[] {{ {string.Join(", ", past.Tensor.Dims.Select(Length))} }})"
        );
        code.Close("};");
        if (pairs.Count > 0 && lengthIsUsed)
        {
            LengthHelper();
        }
    }

    /// <summary>Writes the next step, a member of the output record.</summary>
    public void Next()
    {
        if (pairs.Count == 0)
        {
            return;
        }
        code.Line().Line("/// <summary>The input of the next step, which continues the caches of this one.</summary>");
        Parameters();
        code.Open($"public {w.Input} Next({Signature()}) => new {w.Input}");
        Assignments(past => outputs.First(o => o.Tensor.Name == pairs[past.Tensor.Name]).Property);
        code.Close("};");
    }

    private void Parameters()
    {
        foreach (Port port in Given)
        {
            code.Line(
                $"/// <param name=\"{port.Parameter.TrimStart('@')}\">{Texts.Doc(port.Tensor)}.{(port.IsOptional ? " Null: left out." : "")}</param>"
            );
        }
    }

    private string Signature() =>
        string.Join(", ", Given.Select(p => $"{p.Type(names)}{(p.IsOptional ? "?" : "")} {p.Parameter}{(p.IsOptional ? " = null" : "")}"));

    private void Assignments(Func<Port, string> cache)
    {
        foreach (Port port in inputs)
        {
            code.Line($"{port.Property} = {(pairs.ContainsKey(port.Tensor.Name) ? cache(port) : port.Parameter)},");
        }
    }

    /// <summary>A length of an empty cache: fixed, that of an input with a dimension of the same name, or 0.</summary>
    private string Length(string dimension)
    {
        if (CachePairs.IsLength(dimension))
        {
            return dimension;
        }
        Port? same = Given.FirstOrDefault(p => !p.IsOpaque && !p.IsOptional && p.Tensor.Dims.Contains(dimension));
        if (same is null || dimension == "?")
        {
            return "0";
        }
        lengthIsUsed = true;
        return $"Length({same.Parameter}, {same.Literal}, {same.Tensor.Dims.ToList().IndexOf(dimension)})";
    }

    /// <summary>What an empty cache takes its length from may be missing or of another rank: the run would say so, but comes later.</summary>
    private void LengthHelper() =>
        code.Line()
            .Line($"private static nint Length<T>({names["Tensor"]}<T> tensor, string name, int dimension) =>")
            .Line("    tensor is not null && dimension < tensor.Rank")
            .Line("        ? tensor.Lengths[dimension]")
            .Line(
                $"        : throw new {names["InvalidTensorException"]}(\"Input '\" + name + \"' is missing or has no dimension \" + dimension + \".\", name);"
            );
}
