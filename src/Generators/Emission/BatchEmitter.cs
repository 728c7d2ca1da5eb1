using Lorq.Generators.Naming;

namespace Lorq.Generators.Emission;

/// <summary>Writes the call over many samples, and the type for what fills them up.</summary>
internal sealed class BatchEmitter(Wrapper w, TypeNames names, CodeWriter code)
{
    /// <summary>The dimension that rows lie along, as the session takes it: the first of the first input that has any. Null: there is none, or outputs cannot be cut.</summary>
    private readonly string? dimension =
        w.Signature.Inputs.FirstOrDefault(i => i.Dims.Count > 0)?.Dims[0] is { } first
        && !CachePairs.IsLength(first)
        && !Port.Outputs(w).Any(o => o.IsOpaque)
            ? first
            : null;

    /// <summary>The inputs whose length may differ within a batch where there is a value for it.</summary>
    private IEnumerable<Port> Padded => dimension is null ? [] : Port.Inputs(w).Where(p => !p.IsOpaque && Free(p) > 1 && HasBatch(p));

    /// <summary>Writes the call, a member of the class.</summary>
    public void Call()
    {
        if (dimension is null)
        {
            return;
        }
        string along = dimension == "?" ? "their first dimension" : $"the dimension <c>{Texts.Xml(dimension)}</c>";
        code.Line()
            .Line(
                $"/// <summary>Runs the model on many samples, several in one call: their rows lie one behind the other along {along}.</summary>"
            )
            .Line(
                $"/// <remarks>Which samples go together, and what is cut off the outputs: see <see cref=\"{names["LorqSession"]}.RunBatches\"/>.</remarks>"
            )
            .Line(
                "/// <param name=\"samples\">The samples, each as <see cref=\"Run\"/> takes it; they are read as outputs are asked for.</param>"
            );
        if (Padded.Any())
        {
            code.Line(
                "/// <param name=\"padding\">What fills up inputs that are shorter than others of the batch; null: only samples of the same lengths go together.</param>"
            );
        }
        code.Line("/// <param name=\"maxSize\">The most rows of a batch.</param>")
            .Line("/// <param name=\"cancellationToken\">Stops a call between two nodes of the model.</param>")
            .Line("/// <returns>The outputs of each sample, in order. A batch runs when the first of its outputs is asked for.</returns>")
            .Line($"/// <exception cref=\"{names["ArgumentOutOfRangeException"]}\"><paramref name=\"maxSize\"/> is below 1.</exception>")
            .Line(
                $"/// <exception cref=\"{names["NotSupportedException"]}\">An output of several samples does not hold their rows one behind the other.</exception>"
            )
            .Line(ClassEmitter.Exceptions)
            .Line($"public {names["IEnumerable"]}<{w.Output}> RunBatches(")
            .Line($"    {names["IEnumerable"]}<{w.Input}> samples,");
        if (Padded.Any())
        {
            code.Line($"    {w.Padding}? padding = null,");
        }
        string options = $"MaxSize = maxSize{(Padded.Any() ? ", Padding = Padding(padding)" : "")}";
        code.Line("    int maxSize = 32,")
            .Line($"    {names["CancellationToken"]} cancellationToken = default) =>")
            .Line("    Session.RunBatches(")
            .Line("        samples,")
            .Line($"        input => new {names["BatchSample"]}(Inputs(input){ClassEmitter.AdapterArgument(w, names)}),")
            .Line("        outputs => Outputs(outputs),")
            .Line($"        new {names["LorqBatchOptions"]} {{ {options} }},")
            .Line("        cancellationToken);");
    }

    /// <summary>Writes what makes a list of the values for padding, a member of the class.</summary>
    public void Helper()
    {
        if (!Padded.Any())
        {
            return;
        }
        string list = $"{names["List"]}<{names["PadValue"]}>";
        code.Line().Open($"private static {list} Padding({w.Padding}? padding)").Line($"var list = new {list}();");
        foreach (Port port in Padded)
        {
            string value = $"padding.{port.Property}{(port.IsString ? "" : ".Value")}";
            code.Open($"if (padding?.{port.Property} is not null)")
                .Line($"list.Add({names["PadValue"]}.Of({port.Literal}, {value}));")
                .Close();
        }
        code.Line("return list;").Close();
    }

    /// <summary>Writes the type for the values.</summary>
    public void Type()
    {
        if (!Padded.Any())
        {
            return;
        }
        code.Line()
            .Line(
                $"/// <summary>What fills up inputs of <see cref=\"{w.Name}\"/> that are shorter than others of their batch, behind their own elements. Null: such samples go into different batches.</summary>"
            )
            .Line(Page.Generated(names))
            .Open($"{w.Visibility} sealed record {w.Padding}");
        bool any = false;
        foreach (Port port in Padded)
        {
            if (any)
            {
                code.Line();
            }
            any = true;
            code.Line($"/// <summary>For {Texts.Doc(port.Tensor)}.</summary>")
                .Line($"public {port.Element(names)}? {port.Property} {{ get; init; }}");
        }
        code.Close();
    }

    private bool HasBatch(Port port) => dimension == "?" ? port.Tensor.Dims[0] == "?" : port.Tensor.Dims.Contains(dimension!);

    private static int Free(Port port) => port.Tensor.Dims.Count(d => !CachePairs.IsLength(d));
}
