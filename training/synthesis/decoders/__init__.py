"""Neural decoders with the strides of published ones, small, trained here on sound of clear licence.

What a transposed convolution of stride s leaves of its own weights repeats every s samples, so lines stand at
multiples of rate / k, k a product of the last strides, before any training. The families and their papers:

- SEANet (EnCodec): Défossez et al. 2022, "High fidelity neural audio compression"; 32 kHz: Copet et al. 2023.
- DAC: Kumar et al. 2023, "High-fidelity audio compression with improved RVQGAN".
- HiFi-GAN: Kong, Kim & Bae 2020.
- Oobleck: Evans et al. 2024, "Fast timing-conditioned latent audio diffusion" (Stable Audio).
- nearest + convolution: Odena et al. 2016, "Deconvolution and checkerboard artifacts"; Pons et al. 2021 for sound.
- ISTFT head: Siuzdak 2023, "Vocos"; ConvNeXt: Liu et al. 2022.
- flow: Liu et al. 2023, "Rectified flow", over spectra as Liu & Dai 2024, "RFWave".
- diffusion: Kong et al. 2021, "DiffWave"; prior from the mel energy: Lee et al. 2022, "PriorGrad".
"""
